package dev.weft.benchmarks.planner;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.MeasuredStep;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.simulate.SimulatedRun;
import dev.weft.batching.simulate.Simulator;
import dev.weft.benchmarks.kernel.SyntheticFile;
import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.jobs.infer.EngineRates;
import dev.weft.jobs.infer.Machine;
import dev.weft.jobs.infer.RateProbe;
import dev.weft.jobs.prepare.ModelFacts;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.EngineConfig;
import dev.weft.kernels.engine.StepProbe;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Predicted against real time of the engine on this machine. Each repetition opens the engine anew
 * (so that no prefix is there from before), calibrates it, and runs every workload once; the
 * simulator predicts the same requests with their true output lengths from that calibration alone.
 *
 * <ul>
 *   <li>{@code simulator.error.<model>.<workload>.run}: distance of predicted over real seconds
 *       from 1, the median of the repetitions; real is from submission to the last result.
 *   <li>{@code simulator.error.<model>.<workload>.step}: median over all steps of {@code |predicted
 *       - real| / real}, for steps of the same composition; the ratio is that of the sums.
 *   <li>{@code simulator.error.<model>.calibration}: median distance of the calibration's own steps
 *       from its curve.
 * </ul>
 */
final class SimulatorError {
  private static final long KV_BYTES = 1L << 30;
  private static final int CONTEXT_135M = 2048;
  private static final int DEMO_REQUESTS = 500;
  private static final int REPETITIONS = 3;
  private static final StepLimits LIMITS = new StepLimits(256, 64);
  private static final String NAME = "simulator.error.";

  private final Report report;
  private final int repetitions;
  private final long seed;
  private final int threads = Runtime.getRuntime().availableProcessors();

  SimulatorError(Report report, boolean quick, long seed) {
    this.report = report;
    this.repetitions = quick ? 1 : REPETITIONS;
    this.seed = seed;
  }

  /** Measures with the shipped model, and with random Q8_0 weights of the shape of 135M. */
  void run() throws IOException, InterruptedException {
    if (report.wants(NAME + "demo")) {
      run("demo", demoFolder().resolve("weft-demo.gguf"));
    }
    if (report.wants(NAME + "135m")) {
      Path file = Files.createTempFile("weft-135m", ".gguf");
      try {
        SyntheticFile.write(file, SyntheticModel.shape135m(), CONTEXT_135M, QuantFormat.Q8_0, seed);
        run("135m", file);
      } finally {
        Files.delete(file);
      }
    }
  }

  private static Path demoFolder() {
    return Path.of(System.getenv().getOrDefault("WEFT_HOME", "."), "datasets", "demo");
  }

  /** What the repetitions of one workload gave. */
  private record Measured(
      SimulatorWorkload workload,
      List<Double> real,
      List<Double> predicted,
      List<Double> stepErrors,
      double[] stepSeconds) {
    Measured(SimulatorWorkload workload) {
      this(workload, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new double[2]);
    }
  }

  private void run(String name, Path file) throws IOException, InterruptedException {
    ModelShape shape = ModelFacts.of(file).shape(KvFormat.F32);
    DeviceProfile kernels =
        RateProbe.kernels(file, Backends.find("vector"), new BackendConfig(threads));
    CostModel cost = new CostModel(shape, calibrate(file, shape, kernels).profile());
    Map<String, Measured> results = new LinkedHashMap<>();
    List<Double> spreads = new ArrayList<>();
    List<Double> seconds = new ArrayList<>();
    for (int r = 0; r < repetitions; r++) {
      try (Engine engine = open(file, cost)) {
        EngineRates rates = RateProbe.measure(engine, shape, LIMITS, kernels);
        spreads.add(rates.spread());
        seconds.add(rates.seconds());
        CostModel measured = cost.withCurve(rates.curve());
        for (SimulatorWorkload workload : workloads(name, file, cost)) {
          run(
              engine,
              measured,
              results.computeIfAbsent(workload.name(), n -> new Measured(workload)));
        }
      }
    }
    results.values().forEach(this::report);
    line(
        NAME + name + ".calibration",
        median(spreads),
        "part of the measured seconds",
        "the fitted curve",
        Double.NaN,
        spread(spreads),
        "median distance of the calibration's own steps from its curve; it took %.1f s"
            .formatted(median(seconds)));
  }

  private EngineRates calibrate(Path file, ModelShape shape, DeviceProfile kernels)
      throws InterruptedException {
    try (Engine engine = open(file, new CostModel(shape, kernels))) {
      return RateProbe.measure(engine, shape, LIMITS, kernels);
    }
  }

  private Engine open(Path file, CostModel cost) {
    return Engine.open(
        EngineConfig.builder(file)
            .threads(threads)
            .kvBudgetBytes(KV_BYTES)
            .budgetTokens(LIMITS.budgetTokens())
            .maxSequences(LIMITS.maxSequences())
            .stepMetricsEvery(1)
            .costModel(cost)
            .build());
  }

  private List<SimulatorWorkload> workloads(String name, Path file, CostModel cost)
      throws IOException {
    try (Model model = Model.open(file)) {
      var make = new SimulatorWorkloads(model.spec().vocabSize(), seed);
      if (name.equals("demo")) {
        return List.of(
            SimulatorWorkloads.demo("demo.requests", model, demoFolder(), DEMO_REQUESTS, cost),
            make.apart("demo.decode", 128, range(8, 32), range(80, 160)),
            make.apart("demo.prefill", 80, range(300, 800), range(1, 4)),
            make.blend(
                "demo.blend", 50, range(300, 600), range(2, 8), range(16, 32), range(64, 128)));
      }
      return List.of(
          make.shared("135m.shared", 4, 10, 256, range(20, 40), range(4, 12)),
          make.apart("135m.decode", 32, range(8, 24), range(60, 120)),
          make.apart("135m.prefill", 10, range(300, 700), range(1, 4)),
          make.blend("135m.blend", 8, range(200, 500), range(2, 8), range(16, 32), range(32, 96)));
    }
  }

  private static int[] range(int least, int most) {
    return new int[] {least, most};
  }

  private static void run(Engine engine, CostModel cost, Measured into)
      throws InterruptedException {
    SimulatorWorkload w = into.workload;
    int[] outputs = new int[w.requests().size()];
    Arrays.setAll(outputs, w.requests()::maxOutputTokens);
    SimulatedRun simulated =
        new Simulator(cost, LIMITS, engine.info().kvPages(), engine.info().pageTokens())
            .run(w.requests(), w.order(), 0, w.order().size(), outputs);
    var requests = w.fixed();
    long start = System.nanoTime();
    List<MeasuredStep> steps = StepProbe.run(engine, requests);
    into.real.add((System.nanoTime() - start) / 1e9);
    into.predicted.add(simulated.seconds());
    if (simulated.statistics().steps() != steps.size()) {
      System.err.printf(
          "WARNING: %s: %d steps were simulated, %d run%n",
          w.name(), simulated.statistics().steps(), steps.size());
    }
    for (MeasuredStep s : steps) {
      double seconds =
          cost.stepSeconds(s.tokens(), s.logitTokens(), s.prefillPairs(), s.kvTokensRead());
      into.stepErrors.add(Math.abs(seconds - s.seconds()) / s.seconds());
      into.stepSeconds[0] += seconds;
      into.stepSeconds[1] += s.seconds();
    }
  }

  private void report(Measured m) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < m.real.size(); i++) {
      ratios.add(m.predicted.get(i) / m.real.get(i));
    }
    String name = NAME + m.workload.name();
    line(
        name + ".run",
        Math.abs(median(ratios) - 1),
        "part of the real seconds",
        "real run",
        median(ratios),
        spread(m.real),
        "%s; real %.2f s".formatted(m.workload.about(), median(m.real)));
    line(
        name + ".step",
        median(m.stepErrors),
        "part of the real seconds",
        "real steps",
        m.stepSeconds[0] / m.stepSeconds[1],
        spread(m.stepErrors),
        "%s; %d steps".formatted(m.workload.about(), m.stepErrors.size()));
  }

  private void line(
      String name,
      double value,
      String unit,
      String baseline,
      double ratio,
      double spread,
      String workload) {
    report.add(
        new Measurement(
            name,
            value,
            unit,
            baseline,
            ratio,
            spread,
            workload + (repetitions > 1 ? "; %d repetitions".formatted(repetitions) : ""),
            Machine.cpu() + ", " + threads + " threads",
            seed));
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Half the distance between the quartiles over the median. */
  private static double spread(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return (sorted[sorted.length * 3 / 4] - sorted[sorted.length / 4]) / (2 * median(values));
  }
}
