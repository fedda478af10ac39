package dev.weft.kernels.engine;

import dev.weft.batching.request.Side;
import dev.weft.batching.schedule.SchedulerStatistics;
import dev.weft.batching.schedule.Step;

/** Counts what the scheduler does not; owned by the engine's thread. */
final class Totals {
  private long ended;
  private long failed;
  private long generatedTokens;
  private final long[] sideTokens = new long[2];
  private double busySeconds;
  private double predictedSeconds;
  private double energyJoules;

  void countEnded(boolean error) {
    ended++;
    failed += error ? 1 : 0;
  }

  void countStep(Step step, double seconds, double predicted, double joules) {
    generatedTokens += step.logitTokens();
    for (int i = 0; i < step.sequences(); i++) {
      sideTokens[step.sequence(i).side().ordinal()] += step.count(i);
    }
    busySeconds += seconds;
    predictedSeconds += predicted;
    energyJoules += joules;
  }

  long sideTokens(Side side) {
    return sideTokens[side.ordinal()];
  }

  EngineTotals snapshot(SchedulerStatistics s, long failedSteps, String energySource) {
    return new EngineTotals(
        s.steps(),
        failedSteps,
        ended,
        failed,
        s.prefillTokens() + s.recomputedTokens(),
        s.decodeTokens(),
        generatedTokens,
        s.sharedTokens(),
        s.recomputedTokens(),
        sideTokens(Side.COMPUTE),
        sideTokens(Side.MEMORY),
        s.preemptions(),
        s.pageHits(),
        s.pageLookups(),
        s.peakKvPages(),
        busySeconds,
        predictedSeconds,
        energyJoules,
        energySource);
  }
}
