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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * {@code engines.shared}: two engines of one process that each have a thread for every core, as
 * tasks on the same cores are: tokens per second of both together, beside one engine alone.
 */
final class SharedCoresSection {
  private static final String NAME = "engines.shared";
  private static final int ENGINES = 2;
  private static final int SEQUENCES = 8;
  private static final int CONTEXT = 128;
  private static final int STEPS = 16;

  private SharedCoresSection() {}

  static void run(Results results, Setting setting, Limits limits)
      throws IOException, InterruptedException {
    if (!results.wants(NAME)) {
      return;
    }
    Shape shape = setting.smallShape();
    Path file = shape.file(setting.work(), QuantFormat.Q8_0, setting.seed());
    int[][] prompts = new int[SEQUENCES][];
    Arrays.fill(prompts, ForwardSteps.tokens(CONTEXT, 1));
    int[][] steps = new int[STEPS][];
    Arrays.setAll(steps, i -> ForwardSteps.tokens(SEQUENCES, 1000 + i));
    List<WeftSteps> engines = new ArrayList<>();
    try (ExecutorService tasks = Executors.newFixedThreadPool(ENGINES)) {
      for (int i = 0; i < ENGINES; i++) {
        WeftSteps engine =
            WeftSteps.open(file, setting.threads(), SEQUENCES, CONTEXT + STEPS, CONTEXT);
        engines.add(engine);
        engine.fill(prompts);
      }
      Map<String, Series> rates =
          limits
              .addTo(new Rounds())
              .add("both", () -> together(tasks, engines, steps))
              .add("one", () -> StepSection.decode(engines.getFirst(), steps, CONTEXT))
              .run(setting.warmUp(), setting.repetitions());
      results.add(
          Line.against(
              NAME,
              rates.get("both"),
              "tokens per second",
              "one engine alone",
              rates.get("one"),
              Double.NaN,
              "%s q8_0, %d engines of %d threads, %d sequences each, %d steps"
                  .formatted(shape.label(), ENGINES, setting.threads(), SEQUENCES, STEPS)));
    } catch (PeerException e) {
      throw new IllegalStateException("no peer takes part", e);
    } finally {
      engines.forEach(WeftSteps::close);
    }
  }

  /** Tokens per second of all engines at the same time. */
  private static double together(ExecutorService tasks, List<WeftSteps> engines, int[][] steps)
      throws InterruptedException {
    List<Callable<Double>> work = new ArrayList<>();
    for (WeftSteps engine : engines) {
      work.add(() -> StepSection.decode(engine, steps, CONTEXT));
    }
    long start = System.nanoTime();
    for (Future<Double> done : tasks.invokeAll(work)) {
      try {
        done.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException("an engine failed", e.getCause());
      }
    }
    return (double) engines.size() * STEPS * SEQUENCES / Rounds.secondsSince(start);
  }
}
