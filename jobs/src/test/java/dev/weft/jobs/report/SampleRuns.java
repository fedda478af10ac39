package dev.weft.jobs.report;

import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.RunSummary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Summaries to render: ordinary, empty and extreme. */
final class SampleRuns {
  private SampleRuns() {}

  /** As a run of the demo looks, with {@code points} points in time and {@code partitions}. */
  static RunSummary ordinary(int points, int partitions) {
    Random random = new Random(7);
    List<RunSummary.StepPoint> steps = new ArrayList<>();
    for (int i = 0; i < points; i++) {
      long prefill = 300 + random.nextInt(500) - Math.min(250, i * 4);
      long decode = 150 + random.nextInt(200) + i * 3;
      steps.add(
          new RunSummary.StepPoint(
              (i + 1) * 1.3,
              1.3,
              5,
              prefill,
              decode,
              900 + random.nextInt(800),
              40 + random.nextInt(20),
              Math.min(0.97, 0.1 + i * 0.02 + random.nextDouble() * 0.05),
              1.2,
              1.3,
              40 + random.nextInt(9)));
    }
    List<RunSummary.PartitionTime> times = new ArrayList<>();
    for (int i = 0; i < partitions; i++) {
      double predicted = 20 + random.nextDouble() * 10;
      times.add(
          new RunSummary.PartitionTime(
              i, 250, predicted, predicted * (0.85 + random.nextDouble() * 0.3)));
    }
    return new RunSummary(
        "demo-20261121-1012",
        RunSummary.Outcome.SOME_ERRORS,
        "2026-11-21T10:12:03Z",
        1,
        143.4,
        new RunSummary.Version("0.1.0", "deeb614", "25.0.3", "4.2.0"),
        new RunSummary.Output(
            "/data/weft-out/demo",
            "/data/weft-out/demo/results",
            "/data/weft-out/demo/metrics",
            "/data/weft-out/demo/runs/x"),
        new RunSummary.ModelInfo(
            "weft-demo",
            "datasets/demo/weft-demo.gguf",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "llama",
            4_210_000,
            Map.of("Q8_0", 0.99),
            4_730_112,
            1024),
        new RunSummary.EngineInfo(
            "vector", "AMD EPYC 7003, AVX2", 2, 1, "F32", 65_536, 256, 1024, 1.5),
        new RunSummary.Rows(2000, 1997, 3, 112, 0),
        List.of(
            new RunSummary.ErrorCount(
                "ROW_BROKEN_JSON",
                "user",
                2,
                "Put exactly one JSON object on each line.",
                "line 17, column 4: <unexpected & \"end\">"),
            new RunSummary.ErrorCount(
                "PROMPT_TOO_LONG",
                "user",
                1,
                "Shorten the prompt or choose a model with a longer context.",
                "1,200 tokens of at most 1,024")),
        new RunSummary.Tokens(812_345, 571_888, 240_457, 590_120, 41_000, 61_234),
        new RunSummary.Throughput(points * 1.3, 15.9, 6720, 2310, 470),
        List.of(
            new RunSummary.StageTime("preflight", 0.8), new RunSummary.StageTime("ingest", 4.1),
            new RunSummary.StageTime("prepare", 3.2), new RunSummary.StageTime("calibrate", 2.2),
            new RunSummary.StageTime("sample", 3.9), new RunSummary.StageTime("plan", 0.4),
            new RunSummary.StageTime("infer", 121), new RunSummary.StageTime("commit", 5.6)),
        plan(),
        times,
        new RunSummary.Energy(4211, "estimate:cpu-time", 34.2, 0.0048, 0.0688, Double.NaN, ""),
        new RunSummary.Accuracy(
            2000,
            1921,
            0.9605,
            0.0281,
            List.of(
                new RunSummary.TaskAccuracy("triage", 800, 792, 0.99),
                new RunSummary.TaskAccuracy("extract", 700, 651, 0.93),
                new RunSummary.TaskAccuracy("rewrite", 500, 478, 0.956))),
        steps,
        List.of(
            "energy is an estimate (estimate:cpu-time): neither NVML nor RAPL can be read here",
            "policy blend was changed to dfs: the measured overlap of this device is 0.04"));
  }

  private static PlanSummary.PolicySchedule schedule(String policy, double seconds) {
    return new PlanSummary.PolicySchedule(
        policy,
        seconds,
        seconds / 4,
        List.of(0.9, 0.8, 0.9, 0.4),
        List.of(0.2, 0.3, 0.2, 0.9),
        List.of(20_000.0, 40_000.0, 30_000.0, 10_000.0));
  }

  static PlanSummary plan() {
    return new PlanSummary(
        "dfs",
        new PlanSummary.ObjectiveInfo("time", ""),
        "blend cannot pay on this device: measured overlap 0.04",
        2000,
        3,
        112,
        1885,
        812_345,
        590_120,
        60_000,
        "sample",
        20,
        2411,
        8,
        new PlanSummary.PlanLevel(1, "812,345 prompt tokens, plan.driverTokens is 1,000,000", 1),
        new PlanSummary.Sharing(
            222_225,
            List.of(
                new PlanSummary.SharingLevel(0, 16, 30_160, 900),
                new PlanSummary.SharingLevel(16, 32, 30_160, 1_200)),
            List.of(
                new PlanSummary.TopPrefix(212, 212, 800, 169_388, "You are <b>careful</b>.\\n"))),
        new PlanSummary.Densities(
            3.3, 5.1, 0.4, 1500, 385, List.of(new PlanSummary.Quantile(0.5, 2.5))),
        List.of(
            prediction("fcfs", 148.2, 120.1, 30, 540_000, 0.6647),
            prediction("dfs", 118.4, 92.2, 28.1, 571_000, 0.7029),
            prediction("blend", 119.9, 93.4, 28.0, 566_000, 0.6967)),
        "simulated step by step on one engine",
        List.of(schedule("fcfs", 148.2), schedule("dfs", 118.4), schedule("blend", 119.9)),
        new PlanSummary.MemoryPlan(4_730_112, 512L << 20, 65_536, 40_000, 300L << 20, 64),
        new PlanSummary.CalibrationInfo(
            "AMD EPYC 7003", "vector", 45.6e9, 11.2e9, 0.04, 0.03, "measured"),
        new PlanSummary.CostEstimate(4100, "estimate:cpu-time", 0.0123, "EUR"),
        List.of(
            new PlanSummary.PlannedGroup(0, 800, 212, 3.4, "triage-0001"),
            new PlanSummary.PlannedGroup(800, 700, 260, 1.2, "extract-0001")));
  }

  private static PlanSummary.PolicyPrediction prediction(
      String policy, double seconds, double compute, double memory, long saved, double share) {
    return new PlanSummary.PolicyPrediction(
        policy,
        seconds,
        0.94 * seconds,
        1.05 * seconds,
        compute,
        memory,
        saved,
        share,
        new PlanSummary.Range(34 * seconds, 32 * seconds, 36 * seconds),
        PlanSummary.Range.UNKNOWN);
  }

  /** A second start of a finished run: nothing ran. */
  static RunSummary nothing() {
    RunSummary o = ordinary(0, 0);
    return new RunSummary(
        o.runId(),
        RunSummary.Outcome.ALREADY_COMPLETE_ALL_ANSWERED,
        o.startedAt(),
        2,
        0.4,
        o.version(),
        o.output(),
        null,
        null,
        new RunSummary.Rows(10, 10, 0, 0, 10),
        List.of(),
        new RunSummary.Tokens(0, 0, 0, 0, 0, 0),
        new RunSummary.Throughput(0, Double.NaN, Double.NaN, Double.NaN, Double.NaN),
        List.of(),
        null,
        List.of(),
        null,
        null,
        List.of(),
        List.of());
  }

  /** Hostile texts and huge numbers everywhere. */
  static RunSummary extreme() {
    RunSummary o = ordinary(1, 400);
    String evil =
        "<script>alert(1)</script>\" onload='x' &amp; \u001b[31m \ud800 ‮ " + "w".repeat(300);
    List<RunSummary.StepPoint> steps =
        List.of(
            new RunSummary.StepPoint(
                4e6,
                4e6,
                1,
                Long.MAX_VALUE / 4,
                Long.MAX_VALUE / 4,
                12,
                1e9,
                1.7,
                Double.NaN,
                1e300,
                Double.POSITIVE_INFINITY),
            new RunSummary.StepPoint(8e6, 0, 0, 0, 0, 0, 0, Double.NaN, 0, 0, -1));
    return new RunSummary(
        evil,
        RunSummary.Outcome.SOME_ERRORS,
        evil,
        3,
        9e9,
        new RunSummary.Version(evil, evil, evil, evil),
        new RunSummary.Output(evil, evil, evil, evil),
        new RunSummary.ModelInfo(
            evil,
            evil,
            evil,
            evil,
            Long.MAX_VALUE,
            Map.of(evil, 1.0),
            Long.MAX_VALUE,
            Integer.MAX_VALUE),
        new RunSummary.EngineInfo(
            evil, evil, 1, 1, evil, Long.MAX_VALUE, Integer.MAX_VALUE, 1, 1e300),
        new RunSummary.Rows(Long.MAX_VALUE, Long.MAX_VALUE - 1, 1, 1, 1),
        List.of(new RunSummary.ErrorCount(evil, evil, 1, evil, evil)),
        new RunSummary.Tokens(Long.MAX_VALUE, 1, 1, 1, 1, Long.MAX_VALUE),
        new RunSummary.Throughput(9e9, 1e18, 1e30, Double.POSITIVE_INFINITY, Double.NaN),
        List.of(new RunSummary.StageTime(evil, 9e9)),
        o.plan(),
        o.partitions(),
        new RunSummary.Energy(1e18, evil, Double.NaN, 1e-9, Double.NaN, 1e15, evil),
        new RunSummary.Accuracy(
            1, 0, 0, Double.NaN, List.of(new RunSummary.TaskAccuracy(evil, 1, 0, Double.NaN))),
        steps,
        List.of(evil));
  }
}
