package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code prefill.*} and {@code decode.*}: tokens per second of whole forward passes. Both engines
 * read the same file, get the same tokens and compute logits; nobody samples.
 */
final class StepSection {
  private static final int PROMPT = 512;
  private static final int CONTEXT = 128;

  /** Of the large shape in quick mode, where 32 contexts of 128 tokens take minutes to fill. */
  private static final int QUICK_CONTEXT = 32;

  private static final int MOST_STEPS = 16;
  private static final int[] SEQUENCES = {1, 8, 32};
  private static final int BINDING_PROMPT = 24;

  private final Results results;
  private final Setting setting;
  private final Limits limits;

  StepSection(Results results, Setting setting, Limits limits) {
    this.results = results;
    this.setting = setting;
    this.limits = limits;
  }

  void run() throws IOException, InterruptedException {
    for (Shape shape : setting.shapes()) {
      for (QuantFormat format : Shape.FORMATS) {
        String suffix = shape.label() + "." + Shape.name(format);
        boolean large = shape == Shape.B1;
        if (setting.quick() && large && format != QuantFormat.Q8_0 && !named(suffix)) {
          names(suffix).stream()
              .filter(results::wants)
              .forEach(name -> results.add(Line.skipped(name, "", Setting.LEFT_OUT)));
          continue;
        }
        if (names(suffix).stream().anyMatch(results::wants)) {
          run(shape, format, suffix);
        }
      }
    }
  }

  /** Whether a run was asked for this model by name. */
  private boolean named(String suffix) {
    return names(suffix).stream().anyMatch(results::wantsByName);
  }

  private static List<String> names(String suffix) {
    List<String> names = new ArrayList<>();
    names.add("prefill." + suffix);
    for (int sequences : SEQUENCES) {
      names.add(decodeName(sequences, suffix));
    }
    return names;
  }

  private static String decodeName(int sequences, String suffix) {
    return "decode.b" + sequences + "." + suffix;
  }

  private void run(Shape shape, QuantFormat format, String suffix)
      throws IOException, InterruptedException {
    Path file = shape.file(setting.work(), format, setting.seed());
    int repetitions = shape == Shape.B1 ? setting.longRepetitions() : setting.repetitions();
    Map<String, Double> binding = new LinkedHashMap<>();
    if (setting.binding()) {
      try {
        binding = Phase.run(() -> binding(file, suffix, repetitions));
      } catch (PeerException e) {
        skip(suffix, BindingPeer.NAME, e);
      }
    }
    Map<String, Double> beside = binding;
    try {
      Phase.run(
          () -> {
            direct(shape, format, file, suffix, repetitions, beside);
            return null;
          });
    } catch (PeerException e) {
      names(suffix).forEach(name -> results.add(Line.skipped(name, "llama.cpp", e.getMessage())));
    }
  }

  /** Rates of the binding by name of the measurement; in rounds of its own. */
  private Map<String, Double> binding(Path file, String suffix, int repetitions)
      throws PeerException, InterruptedException {
    Map<String, Double> rates = new LinkedHashMap<>();
    int slots = SEQUENCES[SEQUENCES.length - 1];
    try (BindingPeer peer =
        // A prompt that does not fit a slot is cut short without a word.
        BindingPeer.open(file, setting.threads(), slots, PROMPT + MOST_STEPS)) {
      String prefill = "prefill." + suffix;
      if (results.wants(prefill)) {
        Rounds rounds = new Rounds().add(prefill, () -> peer.promptRate(PROMPT));
        rates.put(prefill, rounds.run(setting.warmUp(), repetitions).get(prefill).median());
      }
      for (int s : SEQUENCES) {
        String decode = decodeName(s, suffix);
        if (results.wants(decode)) {
          Rounds rounds =
              new Rounds().add(decode, () -> peer.decodeRate(s, BINDING_PROMPT, 2 * steps(s)));
          rates.put(decode, rounds.run(setting.warmUp(), repetitions).get(decode).median());
        }
      }
    }
    return rates;
  }

  private void direct(
      Shape shape,
      QuantFormat format,
      Path file,
      String suffix,
      int repetitions,
      Map<String, Double> binding)
      throws IOException, PeerException, InterruptedException {
    int sequences = SEQUENCES[SEQUENCES.length - 1];
    try (WeftSteps weft =
            WeftSteps.open(file, setting.threads(), sequences, CONTEXT + MOST_STEPS, PROMPT);
        LlamaModelFile model = LlamaModelFile.open(file);
        LlamaSteps flash = llama(model, sequences, true);
        LlamaSteps plain = llama(model, sequences, false);
        JlamaSteps jlama = jlama(shape, format, file, suffix)) {
      List<Steps> engines = new ArrayList<>(List.of(weft, flash, plain));
      if (jlama != null) {
        engines.add(jlama);
      }
      String prefill = "prefill." + suffix;
      if (results.wants(prefill)) {
        prefill(prefill, engines, repetitions, binding);
      }
      for (int s : SEQUENCES) {
        if (results.wants(decodeName(s, suffix))) {
          decode(s, context(shape), suffix, format, engines, repetitions, binding);
        }
      }
    }
  }

  private LlamaSteps llama(LlamaModelFile model, int sequences, boolean flash)
      throws PeerException {
    return LlamaSteps.open(
        model, setting.threads(), sequences, CONTEXT + MOST_STEPS, PROMPT, flash);
  }

  /**
   * Null where it does not take part: its 4-bit format is the only one that is comparable, and a
   * file of 1.1B parameters takes it minutes to load.
   */
  private JlamaSteps jlama(Shape shape, QuantFormat format, Path file, String suffix)
      throws IOException {
    if (format != QuantFormat.Q4_0 || shape == Shape.B1) {
      return null;
    }
    try {
      return JlamaSteps.open(file, setting.threads(), PROMPT + MOST_STEPS);
    } catch (PeerException e) {
      skip(suffix, "Jlama", e);
      return null;
    }
  }

  private void skip(String suffix, String peer, PeerException e) {
    for (String name : names(suffix)) {
      results.add(Line.skipped(name, peer, e.getMessage()));
    }
  }

  private void prefill(
      String name, List<Steps> engines, int repetitions, Map<String, Double> binding)
      throws PeerException, InterruptedException {
    int[] prompt = ForwardSteps.tokens(PROMPT, 1);
    Rounds rounds = limits.addTo(new Rounds());
    for (Steps engine : engines) {
      rounds.add(
          engine.name(),
          () -> {
            long start = System.nanoTime();
            engine.prompt(prompt);
            return PROMPT / Rounds.secondsSince(start);
          });
    }
    report(
        name,
        rounds.run(setting.warmUp(), repetitions),
        binding,
        1.6,
        "a prompt of " + PROMPT + " tokens, logits of the last");
  }

  private int context(Shape shape) {
    return setting.quick() && shape == Shape.B1 ? QUICK_CONTEXT : CONTEXT;
  }

  private void decode(
      int sequences,
      int context,
      String suffix,
      QuantFormat format,
      List<Steps> engines,
      int repetitions,
      Map<String, Double> binding)
      throws PeerException, InterruptedException {
    int steps = steps(sequences);
    int[][] prompts = new int[sequences][];
    for (int s = 0; s < sequences; s++) {
      prompts[s] = ForwardSteps.tokens(context, s);
    }
    int[][] next = new int[steps][];
    for (int i = 0; i < steps; i++) {
      next[i] = ForwardSteps.tokens(sequences, 1000 + i);
    }
    Rounds rounds = limits.addTo(new Rounds());
    for (Steps engine : engines) {
      if (engine.mostSequences() >= sequences) {
        engine.fill(prompts);
        rounds.add(engine.name(), () -> decode(engine, next, context));
      }
    }
    double target =
        sequences == 1 ? format == QuantFormat.Q4_0 ? 1.0 : 1.15 : sequences == 8 ? 1.5 : 2.0;
    report(
        decodeName(sequences, suffix),
        rounds.run(setting.warmUp(), repetitions),
        binding,
        target,
        "%d sequences at position %d, %d steps; the binding, in rounds of its own: at %d"
            .formatted(sequences, context, steps, BINDING_PROMPT));
  }

  /** Tokens per second of some steps, which are taken back. */
  static double decode(Steps engine, int[][] steps, int from) throws PeerException {
    long start = System.nanoTime();
    for (int i = 0; i < steps.length; i++) {
      engine.step(steps[i], from + i);
    }
    double seconds = Rounds.secondsSince(start);
    engine.cut(steps[0].length, from);
    return steps.length * steps[0].length / seconds;
  }

  private static int steps(int sequences) {
    return sequences == 1 ? MOST_STEPS : sequences < 32 ? 8 : 4;
  }

  private void report(
      String name,
      Map<String, Series> rates,
      Map<String, Double> binding,
      double target,
      String workload) {
    Line line = line(name, rates, target, workload);
    results.add(
        binding.containsKey(name) ? line.with(Map.of(BindingPeer.NAME, binding.get(name))) : line);
  }

  /** Ours against the best way of calling llama.cpp directly. */
  static Line line(String name, Map<String, Series> rates, double target, String workload) {
    String best = null;
    for (String way : rates.keySet()) {
      if (way.startsWith("llama.cpp")
          && (best == null || rates.get(way).median() > rates.get(best).median())) {
        best = way;
      }
    }
    Map<String, Double> others = new LinkedHashMap<>();
    rates.forEach((k, v) -> others.put(k, v.median()));
    others.remove(WeftSteps.NAME);
    return Line.against(
            name,
            rates.get(WeftSteps.NAME),
            "tokens per second",
            best,
            rates.get(best),
            target,
            workload)
        .with(others);
  }
}
