package dev.weft.kernels.engine;

import dev.weft.batching.cost.MeasuredStep;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.kernels.engine.TokenRequests.Fixed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * Has an engine run steps of many compositions and tells how long each took: prompts of all lengths
 * up to the budget of a step, a prompt of several steps, few and many sequences that generate, with
 * short and long contexts, prompts mixed with generation, and short ends of prompts that share all
 * before. Prompts are random, so that nothing else is shared. The scenes are run in turns, so that
 * a busy moment falls on all of them.
 *
 * <p>The engine must keep the metrics of every step and have nothing else to do.
 */
public final class StepProbe {
  private static final int[] PROMPTS = {
    1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048
  };
  private static final int[] SEQUENCES = {1, 2, 4, 8, 16, 32, 64, 128, 256};
  private static final int SHORT_PROMPT = 3;
  private static final int DECODE_TOKENS = 6;
  private static final int DEEP_PROMPT = 256;
  private static final int MOST_ROUNDS = 16;

  /** Of prompts that share what is before. */
  private static final int[] OWN_TOKENS = {6, 30};

  /** Java code is a hundred times slower before it is compiled. */
  private static final double WARM_UP_SHARE = 0.2;

  /** Runs requests and tells of the steps. */
  interface Runner {
    List<MeasuredStep> run(List<Fixed> requests) throws InterruptedException;
  }

  private final Runner runner;
  private final LongSupplier clock;
  private final EngineInfo info;
  private final StepLimits limits;
  private final int context;
  private final long kvTokens;
  private final SplittableRandom random;

  /**
   * @param info of the engine behind the runner
   * @param clock nanoseconds
   */
  StepProbe(Runner runner, EngineInfo info, LongSupplier clock, StepLimits limits, long seed) {
    this.runner = runner;
    this.clock = clock;
    this.info = info;
    this.limits = limits;
    this.context = info.contextTokens();
    this.kvTokens = (long) info.kvPages() * info.pageTokens();
    this.random = new SplittableRandom(seed);
  }

  /** Requests that run together, as lengths; prompts are drawn anew each time. */
  private record Scene(int sequences, int sharedTokens, int promptTokens, int outputTokens) {
    long tokens() {
      return sharedTokens + (long) sequences * (promptTokens - sharedTokens + outputTokens - 1);
    }
  }

  /**
   * Measures for about that long, the first fifth of it to warm up. Every scene runs twice even if
   * that takes up to twice as long, on a machine that is busy or with a slow model; scenes that
   * would not fit into that are left out, the last ones first, which are the large ones. Of the
   * runs of a scene the later half counts: code is compiled while the earlier ones run.
   *
   * <p>With a backend that compiles at first use all scenes are run once before: the seconds of
   * compiling are neither measured nor taken off the time to measure.
   *
   * @param limits of the engine
   * @return steps scene by scene; never empty
   * @throws EngineException if the engine fails
   */
  public static List<MeasuredStep> measure(
      Engine engine, StepLimits limits, double seconds, long seed) throws InterruptedException {
    return new StepProbe(
            requests -> run(engine, requests), engine.info(), System::nanoTime, limits, seed)
        .measure(seconds);
  }

  List<MeasuredStep> measure(double seconds) throws InterruptedException {
    List<Scene> scenes = scenes();
    // The first steps load classes and run in the interpreter, for seconds on a busy machine.
    run(scenes.getFirst());
    if (info.compilesAtFirstUse()) {
      compile(scenes, seconds);
    }
    long began = clock.getAsLong();
    // Before a scene has run, its time is guessed from the fastest one so far.
    double[] guesses = new double[scenes.size()];
    double tokenSeconds = 0;
    List<List<List<MeasuredStep>>> runs = new ArrayList<>();
    scenes.forEach(scene -> runs.add(new ArrayList<>()));
    boolean any = false;
    boolean warm = false;
    for (int round = 0; round < MOST_ROUNDS; ) {
      double end = (warm ? round < 2 ? 2 : 1 : WARM_UP_SHARE) * seconds;
      for (int i = 0; i < guesses.length; i++) {
        Scene scene = scenes.get(i);
        double guess = guesses[i] > 0 ? guesses[i] : scene.tokens() * tokenSeconds;
        if (!any || since(began) + guess < end) {
          long start = clock.getAsLong();
          runs.get(i).add(run(scene));
          any = true;
          guesses[i] = since(start);
          double each = guesses[i] / scene.tokens();
          tokenSeconds = tokenSeconds == 0 ? each : Math.min(tokenSeconds, each);
        }
      }
      if (warm) {
        round = since(began) < (round == 0 ? 2 : 1) * seconds ? round + 1 : MOST_ROUNDS;
      } else if (since(began) >= WARM_UP_SHARE * seconds / 2) {
        warm = true;
        any = false;
        runs.forEach(List::clear);
      }
    }
    List<MeasuredStep> steps = new ArrayList<>();
    for (List<List<MeasuredStep>> each : runs) {
      each.subList(each.size() / 2, each.size()).forEach(steps::addAll);
    }
    return steps;
  }

  /**
   * Runs the scenes once, but for those that do not fit into twice the time by the fastest tokens
   * so far: they would not be measured either.
   */
  private void compile(List<Scene> scenes, double seconds) throws InterruptedException {
    double tokenSeconds = Double.MAX_VALUE;
    double without = 0;
    for (Scene scene : scenes) {
      long start = clock.getAsLong();
      double guess = scene.tokens() * tokenSeconds;
      if (tokenSeconds == Double.MAX_VALUE || without + guess < 2 * seconds) {
        run(scene);
        tokenSeconds = Math.min(tokenSeconds, since(start) / scene.tokens());
        without += scene.tokens() * tokenSeconds;
      }
    }
  }

  private List<Scene> scenes() {
    List<Scene> scenes = new ArrayList<>();
    int budget = limits.budgetTokens();
    for (int tokens : PROMPTS) {
      if (tokens < budget) {
        add(scenes, 1, tokens, 1);
      }
    }
    add(scenes, 1, budget, 1);
    for (int sequences : SEQUENCES) {
      if (sequences <= limits.maxSequences() && sequences <= budget) {
        add(scenes, sequences, SHORT_PROMPT, DECODE_TOKENS);
      }
    }
    int deep = Math.min(DEEP_PROMPT, context / 2);
    add(scenes, 1, Math.min(4 * budget, context - 1), DECODE_TOKENS);
    add(scenes, Math.min(limits.maxSequences(), 8), deep, DECODE_TOKENS);
    add(scenes, Math.min(limits.maxSequences(), 48), 20, 2);
    for (int own : OWN_TOKENS) {
      add(scenes, Math.min(limits.maxSequences(), 24), deep, deep + own, DECODE_TOKENS);
    }
    return scenes;
  }

  private void add(List<Scene> scenes, int sequences, int promptTokens, int outputTokens) {
    add(scenes, sequences, 0, promptTokens, outputTokens);
  }

  private void add(
      List<Scene> scenes, int sequences, int sharedTokens, int promptTokens, int outputTokens) {
    int prompt = Math.min(promptTokens, context - outputTokens);
    int most = (int) Math.min(sequences, kvTokens / (prompt + outputTokens + 32));
    if (prompt > sharedTokens && most == sequences) {
      scenes.add(new Scene(sequences, sharedTokens, prompt, outputTokens));
    }
  }

  private List<MeasuredStep> run(Scene scene) throws InterruptedException {
    List<Fixed> requests = new ArrayList<>();
    int[] shared = random.ints(scene.sharedTokens, 0, info.vocabularySize()).toArray();
    for (int i = 0; i < scene.sequences; i++) {
      int[] prompt = random.ints(scene.promptTokens, 0, info.vocabularySize()).toArray();
      System.arraycopy(shared, 0, prompt, 0, shared.length);
      requests.add(new Fixed(prompt, scene.outputTokens));
    }
    return runner.run(requests);
  }

  /**
   * Runs requests and tells of the steps.
   *
   * @throws EngineException if the engine fails
   */
  public static List<MeasuredStep> run(Engine engine, List<Fixed> requests)
      throws InterruptedException {
    List<MeasuredStep> steps = new ArrayList<>();
    try (BufferAllocator allocator = new RootAllocator();
        TokenRequests batches = new TokenRequests(requests, allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
        try (EngineBatch open = batch) {
          if (open instanceof EngineBatch.Steps) {
            read(open.root(), steps);
          }
        }
      }
    }
    return steps;
  }

  private static void read(VectorSchemaRoot root, List<MeasuredStep> steps) {
    IntVector prefill = (IntVector) root.getVector(StepSchema.PREFILL_TOKENS);
    IntVector decode = (IntVector) root.getVector(StepSchema.DECODE_TOKENS);
    IntVector logits = (IntVector) root.getVector(StepSchema.LOGIT_TOKENS);
    BigIntVector pairs = (BigIntVector) root.getVector(StepSchema.PREFILL_PAIRS);
    BigIntVector kv = (BigIntVector) root.getVector(StepSchema.KV_TOKENS_READ);
    Float8Vector seconds = (Float8Vector) root.getVector(StepSchema.SECONDS);
    for (int i = 0; i < root.getRowCount(); i++) {
      steps.add(
          new MeasuredStep(
              prefill.get(i) + decode.get(i),
              logits.get(i),
              pairs.get(i),
              kv.get(i),
              seconds.get(i)));
    }
  }

  private double since(long nanos) {
    return (clock.getAsLong() - nanos) / 1e9;
  }
}
