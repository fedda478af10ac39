package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * {@code long.context}: steps of 8 sequences that each have thousands of tokens behind them. In one
 * context of llama.cpp every sequence looks at the cells of all; one sequence alone at its own
 * only, but then weights are read for one token. Both ways are taken, the best counts; above
 * {@value #MOST_TOGETHER} tokens only the second, since in the first a prompt's tokens look at the
 * cells of all sequences, eight times the work.
 */
final class LongContextSection {
  private static final String NAME = "long.context";
  private static final int SEQUENCES = 8;
  private static final int STEPS = 4;
  private static final int CHUNK = 512;

  /** Tokens of a sequence up to which llama.cpp has all sequences in one context. */
  private static final int MOST_TOGETHER = 1024;

  private LongContextSection() {}

  static void run(Results results, Setting setting, Limits limits)
      throws IOException, InterruptedException {
    if (!results.wants(NAME)) {
      return;
    }
    Shape shape = setting.smallShape();
    int context = context(setting);
    Path file = shape.file(setting.work(), QuantFormat.Q8_0, setting.seed());
    int tokens = context + STEPS;
    boolean together = context <= MOST_TOGETHER;
    try (WeftSteps weft = WeftSteps.open(file, setting.threads(), SEQUENCES, tokens, CHUNK);
        LlamaModelFile model = LlamaModelFile.open(file);
        LlamaSteps flash = together ? llama(model, setting, SEQUENCES, tokens, true) : null;
        LlamaSteps plain = together ? llama(model, setting, SEQUENCES, tokens, false) : null;
        LlamaSteps aloneFlash = llama(model, setting, 1, tokens, true);
        LlamaSteps alone = llama(model, setting, 1, tokens, false)) {
      int[][] prompts = new int[SEQUENCES][];
      Arrays.fill(prompts, ForwardSteps.tokens(context, 1));
      int[][] steps = new int[STEPS][];
      int[][] single = new int[STEPS][];
      for (int i = 0; i < STEPS; i++) {
        steps[i] = ForwardSteps.tokens(SEQUENCES, 1000 + i);
        single[i] = ForwardSteps.tokens(1, 1000 + i);
      }
      Rounds rounds = limits.addTo(new Rounds());
      for (Steps engine : together ? List.of(weft, flash, plain) : List.of(weft)) {
        engine.fill(prompts);
        rounds.add(engine.name(), () -> StepSection.decode(engine, steps, context));
      }
      for (Steps engine : List.of(aloneFlash, alone)) {
        engine.fill(new int[][] {prompts[0]});
        rounds.add(
            engine.name() + ", one by one", () -> StepSection.decode(engine, single, context));
      }
      results.add(
          StepSection.line(
              NAME,
              rounds.run(setting.warmUp(), setting.repetitions()),
              Double.NaN,
              "%s q8_0, %d sequences of %d tokens, %d steps%s"
                  .formatted(
                      shape.label(),
                      SEQUENCES,
                      context,
                      STEPS,
                      together ? "" : "; llama.cpp one sequence after the other only")));
    } catch (PeerException e) {
      results.add(Line.skipped(NAME, "llama.cpp", e.getMessage()));
    }
  }

  /**
   * {@code kv.format.*}: the same steps of Weft with keys and values in each format, which are most
   * of what such steps read.
   */
  static void runFormats(Results results, Setting setting, Limits limits)
      throws IOException, InterruptedException {
    List<KvFormat> formats =
        Arrays.stream(KvFormat.values())
            .filter(format -> format != KvFormat.F32)
            .filter(format -> results.wants(formatName(format)))
            .toList();
    if (formats.isEmpty()) {
      return;
    }
    Shape shape = setting.smallShape();
    int context = context(setting);
    Path file = shape.file(setting.work(), QuantFormat.Q8_0, setting.seed());
    int[][] steps = new int[STEPS][];
    Arrays.setAll(steps, i -> ForwardSteps.tokens(SEQUENCES, 1000 + i));
    int[][] prompts = new int[SEQUENCES][];
    Arrays.fill(prompts, ForwardSteps.tokens(context, 1));
    List<KvFormat> all = new ArrayList<>(formats);
    all.addFirst(KvFormat.F32);
    List<WeftSteps> engines = new ArrayList<>();
    try {
      Rounds rounds = limits.addTo(new Rounds());
      for (KvFormat format : all) {
        WeftSteps engine =
            WeftSteps.open(file, setting.threads(), SEQUENCES, context + STEPS, CHUNK, format);
        engines.add(engine);
        engine.fill(prompts);
        rounds.add(formatName(format), () -> StepSection.decode(engine, steps, context));
      }
      Map<String, Series> rates = rounds.run(setting.warmUp(), setting.repetitions());
      for (KvFormat format : formats) {
        results.add(
            Line.against(
                formatName(format),
                rates.get(formatName(format)),
                "tokens per second",
                "keys and values in f32",
                rates.get(formatName(KvFormat.F32)),
                Double.NaN,
                "%s q8_0, %d sequences of %d tokens, %d steps"
                    .formatted(shape.label(), SEQUENCES, context, STEPS)));
      }
    } catch (PeerException e) {
      throw new IllegalStateException("no peer takes part", e);
    } finally {
      engines.forEach(WeftSteps::close);
    }
  }

  private static String formatName(KvFormat format) {
    return "kv.format." + format.name().toLowerCase(Locale.ROOT);
  }

  private static int context(Setting setting) {
    return setting.smoke() ? 256 : setting.quick() ? 1024 : 8192;
  }

  private static LlamaSteps llama(
      LlamaModelFile model, Setting setting, int sequences, int tokens, boolean flash)
      throws PeerException {
    return LlamaSteps.open(model, setting.threads(), sequences, tokens, CHUNK, flash);
  }
}
