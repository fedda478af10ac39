package dev.weft.batching.schedule;

import java.util.Arrays;

/**
 * What one forward pass computes: for each scheduled sequence a range of its tokens. The object and
 * its arrays are reused by the next call of {@link StepScheduler#next()}.
 *
 * <p>Inside a pass K and V of all its tokens must be appended in a layer before attention of that
 * layer reads them: a sequence may share pages that another sequence of the same step computes.
 */
public final class Step {
  private Sequence[] sequences = new Sequence[16];
  private int[] from = new int[16];
  private int[] count = new int[16];
  private boolean[] logits = new boolean[16];
  private boolean[] decode = new boolean[16];
  private int size;
  private int prefillTokens;
  private int recomputedTokens;
  private int decodeTokens;
  private int sharedTokens;
  private int logitTokens;
  private long prefillPairs;
  private long kvTokensRead;
  private long savedTokens;

  Step() {}

  /** Number of scheduled sequences; 0 for an empty step. */
  public int sequences() {
    return size;
  }

  public Sequence sequence(int i) {
    return sequences[i];
  }

  /** Position of the first token to compute. */
  public int from(int i) {
    return from[i];
  }

  /** Number of tokens to compute, from {@link #from} on. */
  public int count(int i) {
    return count[i];
  }

  /**
   * Whether logits of the last token of the range are needed: it is the last one known. Exactly
   * these sequences must get {@code append}, {@code finish} or {@code abort} after the step.
   */
  public boolean logits(int i) {
    return logits[i];
  }

  /** Whether the range continues a generation; otherwise it is prompt (or recomputation). */
  public boolean decode(int i) {
    return decode[i];
  }

  /** All tokens of the step. */
  public int tokens() {
    return prefillTokens + decodeTokens;
  }

  /** Prompt tokens, and recomputed tokens of preempted sequences. */
  public int prefillTokens() {
    return prefillTokens;
  }

  /** The part of {@link #prefillTokens()} that was computed before and lost by preemption. */
  public int recomputedTokens() {
    return recomputedTokens;
  }

  public int decodeTokens() {
    return decodeTokens;
  }

  /** Prompt tokens of newly admitted sequences that were found in the prefix cache. */
  public int sharedTokens() {
    return sharedTokens;
  }

  /** Sequences whose logits are needed. */
  public int logitTokens() {
    return logitTokens;
  }

  /** Query-key pairs of the prefill ranges under the causal mask. */
  public long prefillPairs() {
    return prefillPairs;
  }

  /**
   * Tokens whose K and V attention reads: once per scheduled sequence, or where the backend can,
   * shared pages once for a group of them.
   */
  public long kvTokensRead() {
    return kvTokensRead - savedTokens;
  }

  void clear() {
    Arrays.fill(sequences, 0, size, null);
    size = 0;
    prefillTokens = 0;
    recomputedTokens = 0;
    decodeTokens = 0;
    sharedTokens = 0;
    logitTokens = 0;
    prefillPairs = 0;
    kvTokensRead = 0;
    savedTokens = 0;
  }

  /** Says how many tokens the decoding sequences read together instead of each for itself. */
  void readTogether(long tokens) {
    savedTokens = tokens;
  }

  void addShared(int tokens) {
    sharedTokens += tokens;
  }

  void add(Sequence sequence, int tokens) {
    if (size == from.length) {
      int capacity = 2 * size;
      sequences = Arrays.copyOf(sequences, capacity);
      from = Arrays.copyOf(from, capacity);
      count = Arrays.copyOf(count, capacity);
      logits = Arrays.copyOf(logits, capacity);
      decode = Arrays.copyOf(decode, capacity);
    }
    int start = sequence.computed;
    int end = start + tokens;
    boolean last = end == sequence.length;
    boolean prefill = sequence.isPrefilling();
    sequences[size] = sequence;
    from[size] = start;
    count[size] = tokens;
    logits[size] = last;
    decode[size] = !prefill;
    size++;
    if (prefill) {
      // A preempted sequence comes back with a token that was sampled but never computed.
      int decoded = end - Math.max(start, Math.max(sequence.promptTokens, sequence.computedBefore));
      decodeTokens += Math.max(0, decoded);
      prefillTokens += tokens - Math.max(0, decoded);
      recomputedTokens += Math.clamp(sequence.computedBefore - start, 0, tokens);
      prefillPairs += (long) tokens * start + (long) tokens * (tokens + 1) / 2;
      kvTokensRead += start;
    } else {
      decodeTokens += tokens;
      kvTokensRead += end;
    }
    logitTokens += last ? 1 : 0;
  }
}
