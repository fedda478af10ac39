package dev.weft.batching.simulate;

import dev.weft.batching.schedule.SchedulerStatistics;

/**
 * What a simulated run took.
 *
 * @param seconds predicted time, the sum of the step times
 * @param computeSeconds compute part before overlapping
 * @param memorySeconds memory part before overlapping: weights and KV
 * @param overheadSeconds time of steps that does not depend on their tokens
 * @param peakKvTokens most KV tokens in use, in whole pages
 * @param statistics the scheduler's own totals
 */
public record SimulatedRun(
    double seconds,
    double computeSeconds,
    double memorySeconds,
    double overheadSeconds,
    long peakKvTokens,
    SchedulerStatistics statistics) {

  /** Prompt and generated tokens done per second. */
  public double tokensPerSecond() {
    long tokens =
        statistics.prefillTokens() + statistics.sharedTokens() + statistics.decodeTokens();
    return seconds == 0 ? 0 : tokens / seconds;
  }
}
