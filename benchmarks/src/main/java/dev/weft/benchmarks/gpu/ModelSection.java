package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * {@code prefill.*}, {@code decode.*}, {@code mixed.*}, {@code overlap.*} and {@code energy.*} of
 * one model: whole forward passes with random weights, logits copied to the host, nobody samples.
 */
final class ModelSection {
  private static final String TOKENS_PER_SECOND = "tokens per second";
  private static final int STEPS = 8;

  /** Batch that has a target, and that runs beside a prompt. */
  private static final int MAIN_BATCH = 128;

  private static final double PREFILL_TARGET = 0.5;
  private static final double DECODE_TARGET = 0.6;

  private final Results results;
  private final GpuSetting setting;
  private final EnergyWindow energy;
  private final PeerRates peers;
  private final OptionalDouble libraryRate;
  private final GpuShape shape;
  private final QuantFormat format;
  private final String model;
  private final String suffix;
  private final int mainBatch;

  /**
   * @param peers what others reached on the device
   */
  ModelSection(
      Results results,
      GpuSetting setting,
      EnergyWindow energy,
      PeerRates peers,
      GpuShape shape,
      QuantFormat format) {
    this.results = results;
    this.setting = setting;
    this.energy = energy;
    this.peers = peers;
    // Of a processor it says nothing.
    libraryRate = setting.gpu() ? peers.libraryRate() : OptionalDouble.empty();
    this.shape = shape;
    this.format = format;
    model = shape.label() + "." + GpuShape.name(format);
    suffix = model + setting.suffix();
    List<Integer> batches = setting.batches();
    mainBatch = batches.contains(MAIN_BATCH) ? MAIN_BATCH : Collections.max(batches);
  }

  /** Of all its lines. */
  List<String> names() {
    var names = new ArrayList<String>();
    names.add("prefill." + suffix);
    setting.batches().forEach(b -> names.add(decodeName(b)));
    names.addAll(peers.aheadNames(model, setting.suffix()));
    names.add("mixed." + suffix);
    names.add("overlap." + suffix);
    names.add("energy.prefill." + suffix);
    names.add("energy." + decodeName(mainBatch));
    return names;
  }

  private String decodeName(int batch) {
    return "decode.b" + batch + "." + suffix;
  }

  void run() throws PeerException, InterruptedException {
    int most = setting.contextTokens() + STEPS;
    int sequences = Collections.max(setting.batches()) + Math.ceilDiv(setting.promptTokens(), most);
    try (Arena arena = Arena.ofShared();
        Backend backend = setting.open();
        var transformer =
            Transformer.open(
                shape.spec(),
                PooledModel.of(shape.spec(), format, setting.seed(), arena),
                backend,
                new KvConfig(ForwardSteps.pages(sequences, most)));
        var limits = new DeviceLimits(backend, setting, format)) {
      var model = new Model(transformer, limits, sequences, most);
      model.prefill();
      model.fill();
      for (int batch : setting.batches()) {
        model.decode(batch);
      }
      model.mixed();
    }
  }

  /** Ours as a share of what a limit allows; on a processor compared with nothing. */
  private Line line(
      String name,
      Map<String, Series> rates,
      String limit,
      Series allowed,
      double target,
      String workload) {
    Series value = rates.get(name);
    Line line =
        setting.gpu()
            ? Line.against(name, value, TOKENS_PER_SECOND, limit, allowed, target, workload)
            : Line.alone(name, value, TOKENS_PER_SECOND, workload);
    return line.with(
        Map.of(
            DeviceLimits.COPY, rates.get(DeviceLimits.COPY).median(),
            DeviceLimits.MATMUL, rates.get(DeviceLimits.MATMUL).median()));
  }

  /** The open model on its device. */
  private final class Model {
    private final Transformer transformer;
    private final DeviceLimits limits;
    private final ForwardSteps steps;
    private final int[] prompt = ForwardSteps.tokens(setting.promptTokens(), setting.seed());

    Model(Transformer transformer, DeviceLimits limits, int sequences, int tokens) {
      this.transformer = transformer;
      this.limits = limits;
      // Logits stay on the device, as when the engine decodes greedily.
      steps = new ForwardSteps(transformer, sequences, tokens, setting.promptTokens(), 1);
    }

    void fill() {
      int[][] prompts = new int[Collections.max(setting.batches())][];
      for (int s = 0; s < prompts.length; s++) {
        prompts[s] = ForwardSteps.tokens(setting.contextTokens(), setting.seed() + s);
      }
      steps.fill(prompts);
    }

    void prefill() throws PeerException, InterruptedException {
      String name = "prefill." + suffix;
      if (results.wants(name)) {
        Rounds rounds = limits.addTo(new Rounds());
        rounds.add(name, () -> prompt.length / seconds(() -> steps.promptAtEnd(prompt)));
        Map<String, Series> rates = rounds.run(setting.warmUp(), setting.repetitions());
        double operations = operations(shape.spec(), prompt.length) / prompt.length;
        Series rate =
            libraryRate.isPresent()
                ? Series.of(libraryRate.getAsDouble())
                : rates.get(DeviceLimits.MATMUL);
        results.add(
            line(
                name,
                rates,
                libraryRate.isPresent() ? PythonPeer.LIBRARY_RATE : DeviceLimits.MATMUL,
                rate.times(1 / operations),
                // The target is a share of the library's rate, which this process cannot measure.
                libraryRate.isPresent() ? PREFILL_TARGET : Double.NaN,
                "a prompt of " + prompt.length + " tokens in one step, logits of the last"));
      }
      if (results.wants("energy." + name)) {
        results.add(
            energy.measure("energy." + name, prompt.length, () -> steps.promptAtEnd(prompt)));
      }
    }

    void decode(int batch) throws PeerException, InterruptedException {
      String name = decodeName(batch);
      boolean compared =
          batch == mainBatch
              && peers.aheadNames(model, setting.suffix()).stream().anyMatch(results::wants);
      if (results.wants(name) || compared) {
        Rounds rounds = limits.addTo(new Rounds());
        rounds.add(name, () -> (double) batch * STEPS / seconds(() -> decodeSteps(batch)));
        Map<String, Series> rates = rounds.run(setting.warmUp(), setting.repetitions());
        double bytes = bytesOfStep(batch);
        String workload =
            "%d sequences at position %d, %d steps of %.0f bytes of weights, keys and values"
                .formatted(batch, setting.contextTokens(), STEPS, bytes);
        if (compared) {
          peers
              .ahead(model, setting.suffix(), rates.get(name), TOKENS_PER_SECOND, workload)
              .forEach(results::add);
        }
        results.add(
            line(
                name,
                rates,
                DeviceLimits.COPY,
                rates.get(DeviceLimits.COPY).times(batch / bytes),
                batch == MAIN_BATCH ? DECODE_TARGET : Double.NaN,
                workload));
      }
      if (batch == mainBatch && results.wants("energy." + name)) {
        results.add(energy.measure("energy." + name, batch * STEPS, () -> decodeSteps(batch)));
      }
    }

    private void decodeSteps(int batch) {
      for (int i = 0; i < STEPS; i++) {
        steps.step(stepTokens(batch, i), setting.contextTokens() + i);
      }
    }

    /** What one step reads, on average over the steps: all weights, and all keys and values. */
    private double bytesOfStep(int batch) {
      double positions = setting.contextTokens() + (STEPS + 1) / 2.0;
      double perToken = (double) transformer.kvBytesPerPage() / KvConfig.PAGE_TOKENS;
      return weightBytes() + batch * positions * perToken;
    }

    /** Prepared weights; a backend that reads a format in place prepares none. */
    private double weightBytes() {
      double stored = format.bytes(shape.spec().parametersPerToken());
      return Math.max(stored, transformer.weightBytes());
    }

    void mixed() throws PeerException, InterruptedException {
      String mixed = "mixed." + suffix;
      String overlap = "overlap." + suffix;
      if (!results.wants(mixed) && !results.wants(overlap)) {
        return;
      }
      int[] tokens = stepTokens(mainBatch, 0);
      int position = setting.contextTokens();
      Rounds rounds =
          new Rounds()
              .add("prompt alone", () -> seconds(() -> steps.promptAtEnd(prompt)))
              .add("decode alone", () -> seconds(() -> steps.step(tokens, position)))
              .add("together", () -> seconds(() -> steps.mixed(tokens, position, prompt)));
      Map<String, Series> seconds = rounds.run(setting.warmUp(), setting.repetitions());
      double[] c = seconds.get("prompt alone").values();
      double[] m = seconds.get("decode alone").values();
      double[] t = seconds.get("together").values();
      int all = prompt.length + mainBatch;
      double[] together = new double[t.length];
      double[] apart = new double[t.length];
      double[] overlaps = new double[t.length];
      for (int i = 0; i < t.length; i++) {
        together[i] = all / t[i];
        apart[i] = all / (c[i] + m[i]);
        overlaps[i] = (c[i] + m[i] - t[i]) / Math.min(c[i], m[i]);
      }
      String workload =
          "a prompt of %d tokens and a step of %d sequences at position %d"
              .formatted(prompt.length, mainBatch, position);
      Series value = new Series(together);
      results.add(
          setting.gpu()
              ? Line.against(
                  mixed,
                  value,
                  TOKENS_PER_SECOND,
                  "one after the other",
                  new Series(apart),
                  Double.NaN,
                  workload)
              : Line.alone(mixed, value, TOKENS_PER_SECOND, workload));
      results.add(
          Line.alone(
                  overlap,
                  new Series(overlaps),
                  "share of the shorter of the two that is hidden",
                  workload + "; seconds in others")
              .with(
                  Map.of(
                      "prompt alone", seconds.get("prompt alone").median(),
                      "decode alone", seconds.get("decode alone").median(),
                      "together", seconds.get("together").median())));
    }

    private int[] stepTokens(int batch, int step) {
      return ForwardSteps.tokens(batch, setting.seed() + 1000 + step);
    }
  }

  /** Multiply-adds of the products twice, without attention; logits of one token. */
  private static double operations(TransformerSpec spec, int tokens) {
    double output = (double) spec.vocabSize() * spec.embeddingLength();
    return 2 * (tokens * (spec.parametersPerToken() - output) + output);
  }

  private static double seconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return Rounds.secondsSince(start);
  }
}
