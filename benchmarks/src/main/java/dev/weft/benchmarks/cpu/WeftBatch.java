package dev.weft.benchmarks.cpu;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DevicePresets;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.jobs.prepare.ModelFacts;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.EngineBatch;
import dev.weft.kernels.engine.EngineConfig;
import dev.weft.kernels.engine.EngineTotals;
import dev.weft.kernels.engine.ResultStream;
import dev.weft.kernels.engine.TokenRequests;
import dev.weft.kernels.engine.TokenRequests.Fixed;
import dev.weft.kernels.kv.KvFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/** Requests through Weft's engine, greedily, each to its full length. */
final class WeftBatch {
  private final Path file;
  private final int threads;
  private final long kvBytes;
  private final int outputTokens;

  WeftBatch(Path file, int threads, long kvBytes, int outputTokens) {
    this.file = file;
    this.threads = threads;
    this.kvBytes = kvBytes;
    this.outputTokens = outputTokens;
  }

  /**
   * What a run was like.
   *
   * @param seconds from the first request to the last result, planning included
   * @param openSeconds before, to open the engine
   * @param totals of the engine
   */
  record Run(double seconds, double openSeconds, EngineTotals totals) {}

  /**
   * Runs them in an engine of their own, which knows no prefix from before.
   *
   * @param planned whether they are brought into prefix order first, within the time
   */
  Run run(List<int[]> prompts, boolean planned) throws InterruptedException {
    long opening = System.nanoTime();
    try (Engine engine =
        Engine.open(EngineConfig.builder(file).threads(threads).kvBudgetBytes(kvBytes).build())) {
      double openSeconds = Rounds.secondsSince(opening);
      long start = System.nanoTime();
      List<Fixed> requests = new ArrayList<>();
      for (int[] prompt : planned ? planned(prompts) : prompts) {
        requests.add(new Fixed(prompt, outputTokens));
      }
      submit(engine, requests);
      return new Run(Rounds.secondsSince(start), openSeconds, engine.totals());
    }
  }

  /** In the prefix order of the job's planner. */
  List<int[]> planned(List<int[]> prompts) {
    RequestSet.Builder builder = RequestSet.builder();
    prompts.forEach(prompt -> builder.addKnownOutput(prompt, outputTokens));
    ModelShape shape = ModelFacts.of(file).shape(KvFormat.F32);
    // Prefix order does not look at the rates.
    CostModel cost = new CostModel(shape, DevicePresets.A100_80G.profile());
    int[] order =
        SchedulingPolicies.named("dfs")
            .order(PrefixTree.build(builder.build()), cost, Integer.MAX_VALUE)
            .requests();
    List<int[]> ordered = new ArrayList<>();
    for (int request : order) {
      ordered.add(prompts.get(request));
    }
    return ordered;
  }

  private static void submit(Engine engine, List<Fixed> requests) throws InterruptedException {
    try (BufferAllocator allocator = new RootAllocator();
        TokenRequests batches = new TokenRequests(requests, allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
        batch.close();
      }
    }
  }
}
