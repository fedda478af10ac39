package dev.weft.batching.request;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;

/**
 * An immutable set of generation requests, numbered {@code 0..size-1}: prompt token ids in compact
 * blocks, and the output lengths the planner works with.
 *
 * <p>A stored id stands for {@link #unitTokens} tokens: 1 for real prompts, the block size for
 * traces that carry one hash per block. All lengths and positions of the interface are in tokens;
 * every token of a unit reads as the unit's id, so that prompts (and their KV pages) agree exactly
 * where their ids agree. The last unit of a prompt may be partial. Requests known by length only
 * store no ids and share nothing with any other.
 *
 * <p>Ids lie one after the other in {@code int[]} blocks; a prompt never straddles two blocks, so
 * it can be compared with {@link Arrays#mismatch(int[], int, int, int[], int, int)}. Beside the ids
 * a request costs 20 bytes and at most one bit. Total size is bounded by memory, not by the 2^31
 * elements of one array.
 */
public final class RequestSet {
  private final int unitTokens;
  private final int[][] blocks;

  /**
   * Per request: block number in the high 32 bits, first id within the block in the low 32. If
   * known by length only: negative, with the number of the first request of that prompt in the low
   * 32 bits.
   */
  private final long[] starts;

  private final int[] promptTokens;
  private final int[] estimatedOutputTokens;
  private final int[] maxOutputTokens;
  private final BitSet outputKnown;

  /** Of the outputs that are not certain; null if there is none. */
  private final OutputGroups outputs;

  private RequestSet(
      int unitTokens,
      int[][] blocks,
      long[] starts,
      int[] promptTokens,
      int[] estimatedOutputTokens,
      int[] maxOutputTokens,
      BitSet outputKnown,
      OutputGroups outputs) {
    this.unitTokens = unitTokens;
    this.blocks = blocks;
    this.starts = starts;
    this.promptTokens = promptTokens;
    this.estimatedOutputTokens = estimatedOutputTokens;
    this.maxOutputTokens = maxOutputTokens;
    this.outputKnown = outputKnown;
    this.outputs = outputs;
  }

  public static Builder builder() {
    return new Builder(1);
  }

  /**
   * A builder of requests whose ids stand for {@code unitTokens} tokens each.
   *
   * @throws IllegalArgumentException if {@code unitTokens} is below 1
   */
  public static Builder builder(int unitTokens) {
    return new Builder(unitTokens);
  }

  /** Tokens that one stored id stands for. */
  public int unitTokens() {
    return unitTokens;
  }

  public int size() {
    return promptTokens.length;
  }

  /** Number of prompt tokens of a request; at least 1. */
  public int promptTokens(int request) {
    return promptTokens[request];
  }

  /**
   * Token id at {@code position} in {@code 0..promptTokens(request)-1}. Of a request known by
   * length only it is a negative id that no other prompt has.
   */
  public int token(int request, int position) {
    Objects.checkIndex(position, promptTokens[request]);
    return starts[request] < 0
        ? lengthOnlyToken(request)
        : block(request)[start(request) + (unitTokens == 1 ? position : position / unitTokens)];
  }

  /** A fresh copy of the prompt, each id repeated for the tokens it stands for. */
  public int[] prompt(int request) {
    int from = start(request);
    int length = promptTokens[request];
    if (starts[request] >= 0 && unitTokens == 1) {
      return Arrays.copyOfRange(block(request), from, from + length);
    }
    int[] prompt = new int[length];
    if (starts[request] < 0) {
      Arrays.fill(prompt, lengthOnlyToken(request));
      return prompt;
    }
    int[] block = block(request);
    for (int at = 0; at < length; at += unitTokens) {
      Arrays.fill(prompt, at, Math.min(length, at + unitTokens), block[from++]);
    }
    return prompt;
  }

  /** Expected number of generated tokens, at most {@link #maxOutputTokens}. */
  public int estimatedOutputTokens(int request) {
    return estimatedOutputTokens[request];
  }

  /** Most tokens the request may generate. */
  public int maxOutputTokens(int request) {
    return maxOutputTokens[request];
  }

  /** Whether the output length was given as certain: the estimate is the true length. */
  public boolean isOutputKnown(int request) {
    return outputKnown.get(request);
  }

  /**
   * Compares two prompts from {@code fromPosition} on, knowing that they agree before it.
   *
   * @return length of the longest common prefix of the two prompts, in tokens
   */
  public int commonPrefix(int a, int b, int fromPosition) {
    int lengthA = promptTokens[a];
    int lengthB = promptTokens[b];
    if ((starts[a] | starts[b]) < 0) {
      return starts[a] == starts[b] ? lengthA : 0;
    }
    if (unitTokens == 1) {
      int mismatch = mismatch(a, b, fromPosition, lengthA, lengthB);
      return mismatch < 0 ? lengthA : fromPosition + mismatch;
    }
    int fromUnit = fromPosition / unitTokens;
    int mismatch = mismatch(a, b, fromUnit, units(lengthA), units(lengthB));
    int shorter = Math.min(lengthA, lengthB);
    return mismatch < 0
        ? shorter
        : (int) Math.min((long) (fromUnit + mismatch) * unitTokens, shorter);
  }

  private int mismatch(int a, int b, int from, int idsA, int idsB) {
    int startA = start(a);
    int startB = start(b);
    return Arrays.mismatch(
        block(a), startA + from, startA + idsA, block(b), startB + from, startB + idsB);
  }

  private int units(int tokens) {
    return (tokens - 1) / unitTokens + 1;
  }

  /** Negative, as no id of the set is; ascending with the request number. */
  private int lengthOnlyToken(int request) {
    return Integer.MIN_VALUE + start(request);
  }

  /** The distribution of a request's output length; null if the estimate stands for itself. */
  public OutputDistribution outputDistribution(int request) {
    return outputs == null || outputKnown.get(request) ? null : outputs.of(request);
  }

  /**
   * {@code E[d^2]} of the output length. The KV reads of an output grow with it: {@code p E[d] +
   * E[d^2] / 2} tokens.
   */
  public double meanSquareOutputTokens(int request) {
    OutputDistribution distribution = outputDistribution(request);
    double estimate = estimatedOutputTokens[request];
    return distribution == null
        ? estimate * estimate
        : distribution.meanSquare(maxOutputTokens[request]);
  }

  /**
   * The same requests with other expected output lengths, each capped by its maximum. Known output
   * lengths stay as they are.
   */
  public RequestSet withEstimatedOutputTokens(int[] estimates) {
    return withOutputs(estimates, null);
  }

  /**
   * The same requests with other expected output lengths and their distributions.
   *
   * @param groups by request number; null if the estimates stand for themselves
   */
  public RequestSet withOutputs(int[] estimates, OutputGroups groups) {
    if (estimates.length != size()) {
      throw new IllegalArgumentException(
          estimates.length + " estimates for " + size() + " requests: one per request is needed");
    }
    int[] capped = new int[estimates.length];
    for (int i = 0; i < capped.length; i++) {
      capped[i] =
          outputKnown.get(i)
              ? estimatedOutputTokens[i]
              : Math.clamp(estimates[i], 0, maxOutputTokens[i]);
    }
    return new RequestSet(
        unitTokens, blocks, starts, promptTokens, capped, maxOutputTokens, outputKnown, groups);
  }

  /**
   * The same requests with the output lengths of requests of another set.
   *
   * @param places by request of this set: the request of the other; maximum lengths must agree
   */
  public RequestSet withOutputsOf(RequestSet other, int[] places) {
    int[] estimates = new int[size()];
    for (int i = 0; i < estimates.length; i++) {
      estimates[i] = other.estimatedOutputTokens[places[i]];
    }
    return withOutputs(estimates, other.outputs == null ? null : other.outputs.subset(places));
  }

  private int[] block(int request) {
    return blocks[(int) (starts[request] >>> 32)];
  }

  private int start(int request) {
    return (int) starts[request];
  }

  /** Collects requests; not thread-safe. Arrays of ids are copied. */
  public static final class Builder {
    private static final int BLOCK_IDS = 1 << 22;

    private final int unitTokens;

    private int[][] blocks = new int[4][];
    private int blockCount;
    private int used;
    private long[] starts = new long[16];
    private int[] promptTokens = new int[16];
    private int[] estimated = new int[16];
    private int[] max = new int[16];
    private final BitSet outputKnown = new BitSet();
    private boolean lengthOnly;
    private int size;

    private Builder(int unitTokens) {
      if (unitTokens < 1) {
        throw new IllegalArgumentException("unitTokens must be at least 1, got " + unitTokens);
      }
      this.unitTokens = unitTokens;
    }

    /** Adds a request whose expected output length is not known yet: its maximum is taken. */
    public Builder add(int[] prompt, int maxOutputTokens) {
      return add(prompt, 0, prompt.length, maxOutputTokens, maxOutputTokens);
    }

    public Builder add(int[] prompt, int estimatedOutputTokens, int maxOutputTokens) {
      return add(prompt, 0, prompt.length, estimatedOutputTokens, maxOutputTokens);
    }

    /**
     * Adds the request whose prompt is {@code ids[from .. from+length-1]}, each id a whole unit.
     *
     * @throws IllegalArgumentException if the prompt is empty or an output length is negative
     */
    public Builder add(
        int[] ids, int from, int length, int estimatedOutputTokens, int maxOutputTokens) {
      Objects.checkFromIndexSize(from, length, ids.length);
      int tokens = Math.multiplyExact(length, unitTokens);
      return add(ids, from, length, tokens, estimatedOutputTokens, maxOutputTokens);
    }

    /**
     * Adds a request whose last unit may be partial.
     *
     * @param ids one id for each started unit
     * @param promptTokens prompt length, more than {@code (ids.length - 1) * unitTokens} and at
     *     most {@code ids.length * unitTokens}
     */
    public Builder addUnits(
        int[] ids, int promptTokens, int estimatedOutputTokens, int maxOutputTokens) {
      return add(ids, 0, ids.length, promptTokens, estimatedOutputTokens, maxOutputTokens);
    }

    /** Adds a request whose output length is certain, for example a fixed one. */
    public Builder addKnownOutput(int[] prompt, int outputTokens) {
      return add(prompt, outputTokens, outputTokens).markOutputKnown();
    }

    /**
     * Adds a request known by its length only: it shares nothing with any other. Real ids of the
     * set must then not be negative.
     */
    public Builder addLength(int promptTokens, int estimatedOutputTokens, int maxOutputTokens) {
      checkNotEmpty(promptTokens);
      append(Long.MIN_VALUE | size, promptTokens, estimatedOutputTokens, maxOutputTokens);
      lengthOnly = true;
      return this;
    }

    /** Says that the estimate of the request added last is certain. */
    public Builder markOutputKnown() {
      outputKnown.set(Objects.checkIndex(size - 1, size));
      return this;
    }

    private Builder add(
        int[] ids, int from, int units, int tokens, int estimatedOutputTokens, int max) {
      checkNotEmpty(units);
      if (tokens > (long) units * unitTokens || tokens <= (units - 1L) * unitTokens) {
        throw new IllegalArgumentException(
            "request %d: a prompt of %d tokens does not have %d units of %d tokens"
                .formatted(size, tokens, units, unitTokens));
      }
      long start = reserve(units);
      System.arraycopy(ids, from, blocks[(int) (start >>> 32)], (int) start, units);
      append(start, tokens, estimatedOutputTokens, max);
      return this;
    }

    private void checkNotEmpty(int length) {
      if (length < 1) {
        throw new IllegalArgumentException(
            "request " + size + " has an empty prompt: a prompt needs at least one token");
      }
    }

    /**
     * Adds a request with the very prompt of an earlier one without storing the tokens again, for
     * example one more sample of it.
     */
    public Builder addSamePrompt(int earlier, int estimatedOutputTokens, int maxOutputTokens) {
      Objects.checkIndex(earlier, size);
      append(starts[earlier], promptTokens[earlier], estimatedOutputTokens, maxOutputTokens);
      return this;
    }

    public int size() {
      return size;
    }

    /**
     * The set of all requests added so far. The builder may be used further.
     *
     * @throws IllegalArgumentException if there are requests known by length only beside negative
     *     ids, which could then be taken for theirs
     */
    public RequestSet build() {
      if (lengthOnly) {
        checkIdsNotNegative();
      }
      return new RequestSet(
          unitTokens,
          Arrays.copyOf(blocks, blockCount),
          Arrays.copyOf(starts, size),
          Arrays.copyOf(promptTokens, size),
          Arrays.copyOf(estimated, size),
          Arrays.copyOf(max, size),
          (BitSet) outputKnown.clone(),
          null);
    }

    private void checkIdsNotNegative() {
      for (int b = 0; b < blockCount; b++) {
        for (int id : blocks[b]) {
          if (id < 0) {
            throw new IllegalArgumentException(
                "id "
                    + id
                    + " is negative: beside requests known by length only, ids must be at least 0");
          }
        }
      }
    }

    private long reserve(int length) {
      if (blockCount == 0 || blocks[blockCount - 1].length - used < length) {
        if (blockCount == blocks.length) {
          blocks = Arrays.copyOf(blocks, 2 * blockCount);
        }
        int capacity = blockCount == 0 ? 1 << 14 : BLOCK_IDS;
        blocks[blockCount++] = new int[Math.max(length, capacity)];
        used = 0;
      }
      long start = ((long) (blockCount - 1) << 32) | used;
      used += length;
      return start;
    }

    private void checkOutputs(int estimatedOutputTokens, int maxOutputTokens) {
      if (estimatedOutputTokens < 0 || maxOutputTokens < 0) {
        throw new IllegalArgumentException(
            "request "
                + size
                + " has a negative output length (estimated "
                + estimatedOutputTokens
                + ", max "
                + maxOutputTokens
                + ")");
      }
    }

    private void append(long start, int length, int estimatedOutputTokens, int maxOutputTokens) {
      checkOutputs(estimatedOutputTokens, maxOutputTokens);
      if (size == starts.length) {
        int capacity = Math.addExact(size, Math.max(16, size >> 1));
        starts = Arrays.copyOf(starts, capacity);
        promptTokens = Arrays.copyOf(promptTokens, capacity);
        estimated = Arrays.copyOf(estimated, capacity);
        max = Arrays.copyOf(max, capacity);
      }
      starts[size] = start;
      promptTokens[size] = length;
      estimated[size] = Math.min(estimatedOutputTokens, maxOutputTokens);
      max[size] = maxOutputTokens;
      size++;
    }
  }
}
