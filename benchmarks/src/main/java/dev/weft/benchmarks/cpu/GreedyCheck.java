package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.Model;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * Greedy answers of both engines to one prompt: a peer that is called the wrong way would be fast
 * and say something else.
 */
final class GreedyCheck {
  private GreedyCheck() {}

  /**
   * How alike two answers are.
   *
   * @param alike tokens before the first that differs
   * @param tokens of each answer
   * @param gap where they part, how much our token's logit is above the next one's; NaN if they do
   *     not
   * @param medianGap the same of all tokens of our answer
   */
  record Likeness(int alike, int tokens, double gap, double medianGap) {}

  /**
   * @param gaps of each token, how much its logit is above the next one's
   */
  record Answer(int[] tokens, double[] gaps) {}

  static Likeness compare(Path file, int[] prompt, int tokens, int threads)
      throws IOException, PeerException {
    Answer ours = ours(file, prompt, tokens, threads);
    int[] theirs = llama(file, prompt, tokens, threads);
    int alike = 0;
    while (alike < tokens && ours.tokens()[alike] == theirs[alike]) {
      alike++;
    }
    return new Likeness(
        alike,
        tokens,
        alike < tokens ? ours.gaps()[alike] : Double.NaN,
        new Series(ours.gaps()).median());
  }

  /** Weft's answer. */
  static Answer ours(Path file, int[] prompt, int tokens, int threads) throws IOException {
    int pages = (prompt.length + tokens + KvConfig.PAGE_TOKENS - 1) / KvConfig.PAGE_TOKENS;
    try (Model model = Model.open(file);
        Backend backend = Backends.find("vector").open(new BackendConfig(threads));
        Transformer transformer = Transformer.open(model, backend, new KvConfig(pages))) {
      int[] table = IntStream.range(0, pages).toArray();
      float[] logits = new float[model.spec().vocabSize()];
      int[] answer = new int[tokens];
      double[] gaps = new double[tokens];
      var batch = new StepBatch();
      for (int t = 0; t < tokens; t++) {
        batch.clear();
        batch.beginSequence(table);
        if (t == 0) {
          for (int i = 0; i < prompt.length; i++) {
            batch.addToken(prompt[i], i, i == prompt.length - 1);
          }
        } else {
          batch.addToken(answer[t - 1], prompt.length + t - 1, true);
        }
        transformer.forward(batch, logits);
        answer[t] = greedy(logits);
        gaps[t] = gap(logits, answer[t]);
      }
      return new Answer(answer, gaps);
    }
  }

  /** The answer of llama.cpp, with keys and values in f32 as ours are. */
  static int[] llama(Path file, int[] prompt, int tokens, int threads) throws PeerException {
    var options =
        new LlamaContext.Options(
            threads,
            prompt.length + tokens,
            1,
            prompt.length,
            prompt.length,
            false,
            -1,
            LlamaLayouts.F32);
    try (LlamaModelFile model = LlamaModelFile.open(file);
        LlamaContext context = model.context(options);
        LlamaBatch batch = new LlamaBatch(prompt.length)) {
      int[] answer = new int[tokens];
      for (int t = 0; t < tokens; t++) {
        batch.clear();
        if (t == 0) {
          for (int i = 0; i < prompt.length; i++) {
            batch.add(prompt[i], i, 0, i == prompt.length - 1);
          }
        } else {
          batch.add(answer[t - 1], prompt.length + t - 1, 0, true);
        }
        context.decode(batch);
        answer[t] = context.greedy(batch.size() - 1);
      }
      return answer;
    }
  }

  private static int greedy(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  private static double gap(float[] logits, int best) {
    float next = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      if (i != best) {
        next = Math.max(next, logits[i]);
      }
    }
    return logits[best] - next;
  }
}
