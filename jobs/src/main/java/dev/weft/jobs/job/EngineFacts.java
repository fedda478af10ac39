package dev.weft.jobs.job;

import dev.weft.jobs.infer.PartitionReport;
import dev.weft.jobs.infer.PartitionReport.Sums;
import dev.weft.jobs.state.RunFolder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The engines of a start together.
 *
 * @param engines how many there were
 * @param backend their kernel backend
 * @param threads threads of one
 * @param kvTokens tokens that the KV cache of one holds
 * @param contextTokens longest sequence
 * @param loadSeconds time that the slowest took to load the model and get ready
 * @param steps steps of this start
 * @param busySeconds time of these steps
 * @param energyJoules energy of these steps
 * @param warnings what runs slower or less exactly than it should
 */
record EngineFacts(
    int engines,
    String backend,
    int threads,
    long kvTokens,
    int contextTokens,
    double loadSeconds,
    long steps,
    double busySeconds,
    double energyJoules,
    List<String> warnings) {

  /** The engines of these reports; those of an earlier start if there was nothing left to run. */
  static EngineFacts of(List<PartitionReport> reports, RunFolder folder) {
    if (reports.isEmpty()) {
      EngineFacts before =
          folder
              .read(folder.engine(), EngineFacts.class)
              .orElse(new EngineFacts(0, "none", 0, 0, 0, 0, 0, 0, 0, List.of()));
      return new EngineFacts(
          0,
          before.backend,
          before.threads,
          before.kvTokens,
          before.contextTokens,
          0,
          0,
          0,
          0,
          List.of());
    }
    Map<String, Sums> first = new LinkedHashMap<>();
    Map<String, Sums> last = new LinkedHashMap<>();
    Set<String> warnings = new LinkedHashSet<>();
    for (PartitionReport report : reports) {
      first.merge(report.engineId(), report.before(), (a, b) -> a.steps() <= b.steps() ? a : b);
      last.merge(report.engineId(), report.after(), (a, b) -> a.steps() >= b.steps() ? a : b);
      warnings.addAll(report.warnings());
    }
    long steps = 0;
    long failedSteps = 0;
    double busy = 0;
    double joules = 0;
    for (Map.Entry<String, Sums> engine : last.entrySet()) {
      Sums before = first.get(engine.getKey());
      steps += engine.getValue().steps() - before.steps();
      failedSteps += engine.getValue().failedSteps() - before.failedSteps();
      busy += engine.getValue().busySeconds() - before.busySeconds();
      joules += engine.getValue().energyJoules() - before.energyJoules();
    }
    warnings.addAll(failures(reports, failedSteps));
    PartitionReport one = reports.getFirst();
    EngineFacts facts =
        new EngineFacts(
            last.size(),
            one.backend(),
            one.threads(),
            one.kvTokens(),
            one.contextTokens(),
            reports.stream().mapToDouble(PartitionReport::loadSeconds).max().orElse(0),
            steps,
            busy,
            joules,
            List.copyOf(warnings));
    folder.write(folder.engine(), facts);
    return facts;
  }

  /** What went wrong and was made good again, for the user to know. */
  private static List<String> failures(List<PartitionReport> reports, long failedSteps) {
    List<String> failures = new ArrayList<>();
    if (failedSteps > 0) {
      failures.add(
          "steps that failed and were computed again, one sequence after the other: %d; why is in the log of the executors"
              .formatted(failedSteps));
    }
    List<String> engines =
        reports.stream().flatMap(report -> report.engineFailures().stream()).toList();
    if (!engines.isEmpty()) {
      failures.add(
          "engines that failed and were replaced, their requests run again: %d; the last one: %s"
              .formatted(engines.size(), engines.getLast()));
    }
    int attempts = reports.stream().mapToInt(PartitionReport::earlierAttempts).sum();
    if (attempts > 0) {
      failures.add(
          "attempts of inference tasks that failed or were lost, their requests run again: %d"
              .formatted(attempts));
    }
    return failures;
  }
}
