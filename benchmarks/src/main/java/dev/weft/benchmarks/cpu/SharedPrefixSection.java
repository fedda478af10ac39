package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code batch.shared_prefix*}: whole jobs of requests that share prefixes, as requests per second.
 * Weft with its planner, Weft in the order of the table, and llama.cpp in both orders with the
 * setting of its server that was best for the first requests.
 */
final class SharedPrefixSection {
  private static final String NAME = "batch.shared_prefix";
  private static final int OUTPUT_TOKENS = 64;
  private static final int PILOT_REQUESTS = 24;
  private static final int[] SLOTS = {8, 4, 16, 32};

  /** Less than the server's 0.5: a slot with any common beginning is better than one without. */
  private static final double LIKENESS = 0.1;

  /** Of Weft; llama.cpp gets what its slots need. */
  private static final long KV_BYTES = 1L << 30;

  private final Results results;
  private final Setting setting;

  SharedPrefixSection(Results results, Setting setting) {
    this.results = results;
    this.setting = setting;
  }

  /** A setting of the server. */
  private record Server(int slots, boolean flash) {
    String text() {
      return slots + " slots" + (flash ? ", flash attention" : "");
    }
  }

  void run() throws IOException, InterruptedException {
    if (!results.wants(NAME)) {
      return;
    }
    Shape shape = setting.smallShape();
    int outputs = setting.smoke() ? 4 : OUTPUT_TOKENS;
    Path file = shape.file(setting.work(), QuantFormat.Q8_0, setting.seed());
    try {
      BbhPrompts workload =
          BbhPrompts.read(
              setting.data(), setting.requests(), shape.spec().vocabSize(), setting.seed());
      try (LlamaModelFile model = LlamaModelFile.open(file)) {
        run(workload, new WeftBatch(file, setting.threads(), KV_BYTES, outputs), model, outputs);
      }
    } catch (PeerException e) {
      results.add(Line.skipped(NAME, "llama.cpp", e.getMessage()));
    }
  }

  private void run(BbhPrompts workload, WeftBatch weft, LlamaModelFile model, int outputs)
      throws PeerException, InterruptedException {
    List<int[]> shuffled = workload.prompts();
    List<int[]> planned = weft.planned(shuffled);
    List<int[]> peerShuffled = first(shuffled, setting.peerRequests());
    List<int[]> peerPlanned = first(planned, setting.peerRequests());
    int slotTokens = workload.longest() + outputs;
    Server server = choose(model, shuffled, slotTokens, outputs);
    Map<String, Long> shared = new LinkedHashMap<>();
    Rounds rounds =
        new Rounds()
            .add("planned", () -> weft(weft, shuffled, true, shared, "planned"))
            .add("table order", () -> weft(weft, shuffled, false, shared, "table order"))
            .add(
                "llama.cpp",
                () -> llama(model, server, peerShuffled, slotTokens, outputs, shared, "llama.cpp"))
            .add(
                "llama.cpp, our order",
                () ->
                    llama(
                        model,
                        server,
                        peerPlanned,
                        slotTokens,
                        outputs,
                        shared,
                        "llama.cpp, our order"));
    // The engines were compiled by the pilot and by a short run of ours.
    weft.run(first(shuffled, 8), true);
    Map<String, Series> rates = rounds.run(0, setting.quick() ? 1 : setting.longRepetitions());
    String text =
        "%d requests of BIG-Bench Hard, %d tasks, %d prompt tokens, %d output tokens each; KV of Weft %d MiB; llama.cpp: %s, likeness %.1f%s"
            .formatted(
                shuffled.size(),
                workload.tasks(),
                workload.tokens(),
                outputs,
                KV_BYTES >> 20,
                server.text(),
                LIKENESS,
                peerShuffled.size() < shuffled.size()
                    ? ", the first %d requests of each order".formatted(peerShuffled.size())
                    : "");
    Map<String, Double> more = new LinkedHashMap<>();
    rates.forEach((k, v) -> more.put(k, v.median()));
    shared.forEach((k, v) -> more.put("shared tokens, " + k, v.doubleValue()));
    Series ours = rates.get("planned");
    add(NAME, ours, "llama.cpp, table order", rates.get("llama.cpp"), 5, text, more);
    add(
        NAME + ".over_table_order",
        ours,
        "weft without the planner",
        rates.get("table order"),
        1.3,
        text,
        more);
    add(
        NAME + ".same_order",
        ours,
        "llama.cpp, our order",
        rates.get("llama.cpp, our order"),
        2,
        text,
        more);
  }

  private void add(
      String name,
      Series ours,
      String baseline,
      Series theirs,
      double target,
      String text,
      Map<String, Double> more) {
    results.add(
        Line.against(name, ours, "requests per second", baseline, theirs, target, text).with(more));
  }

  private static double weft(
      WeftBatch weft, List<int[]> prompts, boolean planned, Map<String, Long> shared, String name)
      throws InterruptedException {
    WeftBatch.Run run = weft.run(prompts, planned);
    shared.put(name, run.totals().sharedTokens());
    return prompts.size() / run.seconds();
  }

  private double llama(
      LlamaModelFile model,
      Server server,
      List<int[]> prompts,
      int slotTokens,
      int outputs,
      Map<String, Long> shared,
      String name)
      throws PeerException {
    try (LlamaSlots slots =
        new LlamaSlots(
            model,
            setting.threads(),
            server.slots(),
            slotTokens,
            server.flash(),
            LIKENESS,
            outputs)) {
      long start = System.nanoTime();
      slots.run(prompts);
      double seconds = Rounds.secondsSince(start);
      shared.put(name, slots.sharedTokens());
      return prompts.size() / seconds;
    }
  }

  private static List<int[]> first(List<int[]> prompts, int count) {
    return prompts.subList(0, Math.min(count, prompts.size()));
  }

  /**
   * The best setting for the first requests: flash attention or not with the first number of slots,
   * then the best number with that. A quick run takes one unseen.
   */
  private Server choose(LlamaModelFile model, List<int[]> prompts, int slotTokens, int outputs)
      throws PeerException {
    if (setting.quick()) {
      return new Server(4, true);
    }
    List<int[]> pilot = first(prompts, PILOT_REQUESTS);
    Server best = null;
    double most = 0;
    for (int slots : SLOTS) {
      boolean[] choices = best == null ? new boolean[] {true, false} : new boolean[] {best.flash()};
      for (boolean flash : choices) {
        Server server = new Server(slots, flash);
        double rate =
            llama(model, server, pilot, slotTokens, outputs, new LinkedHashMap<>(), "pilot");
        System.err.printf("cpu: llama.cpp, %s: %.3f requests/s%n", server.text(), rate);
        if (rate > most) {
          most = rate;
          best = server;
        }
      }
    }
    return best;
  }
}
