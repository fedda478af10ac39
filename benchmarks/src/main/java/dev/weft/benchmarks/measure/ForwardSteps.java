package dev.weft.benchmarks.measure;

import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.sampling.LogitRows;
import dev.weft.kernels.sampling.SamplingParams;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Prompts and single steps of sequences with pages of their own, tokens given, logits computed and
 * dropped. Not thread-safe.
 */
public final class ForwardSteps {
  private final Transformer transformer;
  private final int[][] pages;
  private final LogitRows logits;
  private final int needed;
  private final int chunk;
  private final StepBatch batch = new StepBatch();

  /**
   * @param transformer with {@link #pages} of them, which stays the caller's
   * @param tokens most of each sequence
   * @param chunk most tokens of a prompt that are computed at once
   * @param needed of how many of the most likely tokens the logits are wanted: 1 for what greedy
   *     decoding needs, {@link SamplingParams#ALL_TOKENS} for whole rows
   */
  public ForwardSteps(Transformer transformer, int sequences, int tokens, int chunk, int needed) {
    this.transformer = transformer;
    this.needed = needed;
    this.chunk = chunk;
    int each = Math.ceilDiv(tokens, KvConfig.PAGE_TOKENS);
    pages = new int[sequences][];
    for (int s = 0; s < sequences; s++) {
      pages[s] = IntStream.range(s * each, (s + 1) * each).toArray();
    }
    logits = new LogitRows(transformer.spec().vocabSize());
  }

  /** Pages of all sequences. */
  public static int pages(int sequences, int tokens) {
    return sequences * Math.ceilDiv(tokens, KvConfig.PAGE_TOKENS);
  }

  public int mostSequences() {
    return pages.length;
  }

  /** Computes a prompt from page 0 on, which may take the pages of several sequences. */
  public void prompt(int[] tokens) {
    prompt(IntStream.range(0, Math.ceilDiv(tokens.length, KvConfig.PAGE_TOKENS)).toArray(), tokens);
  }

  /** Gives the first sequences these prompts. */
  public void fill(int[][] prompts) {
    for (int s = 0; s < prompts.length; s++) {
      prompt(pages[s], prompts[s]);
    }
  }

  private void prompt(int[] table, int[] tokens) {
    for (int from = 0; from < tokens.length; from += chunk) {
      int end = Math.min(tokens.length, from + chunk);
      batch.clear();
      addPrompt(table, tokens, from, end);
      transformer.forward(batch, logits);
    }
  }

  /** One token with logits for each of the first sequences. */
  public void step(int[] tokens, int position) {
    batch.clear();
    addStep(tokens, position);
    transformer.forward(batch, logits);
  }

  /** Computes a prompt in the last pages, which nothing may be left in. */
  public void promptAtEnd(int[] tokens) {
    prompt(lastPages(tokens.length), tokens);
  }

  /** {@link #step} and {@link #promptAtEnd} in one step. */
  public void mixed(int[] tokens, int position, int[] prompt) {
    batch.clear();
    addStep(tokens, position);
    addPrompt(lastPages(prompt.length), prompt, 0, prompt.length);
    transformer.forward(batch, logits);
  }

  private int[] lastPages(int tokens) {
    int all = pages.length * pages[0].length;
    return IntStream.range(all - Math.ceilDiv(tokens, KvConfig.PAGE_TOKENS), all).toArray();
  }

  private void addStep(int[] tokens, int position) {
    for (int s = 0; s < tokens.length; s++) {
      batch.beginSequence(pages[s]);
      batch.addToken(tokens[s], position, needed);
    }
  }

  private void addPrompt(int[] table, int[] tokens, int from, int end) {
    batch.beginSequence(table);
    for (int t = from; t < end; t++) {
      batch.addToken(tokens[t], t, t == tokens.length - 1 ? needed : 0);
    }
  }

  /** Ids that all vocabularies have, none of a special token. */
  public static int[] tokens(int count, long seed) {
    return new SplittableRandom(seed).ints(count, 259, 1000).toArray();
  }
}
