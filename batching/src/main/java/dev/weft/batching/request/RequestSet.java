package dev.weft.batching.request;

import java.util.Arrays;
import java.util.Objects;

/**
 * An immutable set of generation requests, numbered {@code 0..size-1}: prompt token ids in compact
 * blocks, and the output lengths the planner works with.
 *
 * <p>Prompts lie one after the other in {@code int[]} blocks; a prompt never straddles two blocks,
 * so it can be compared with {@link Arrays#mismatch(int[], int, int, int[], int, int)}. Beside the
 * tokens a request costs 20 bytes. Total size is bounded by memory, not by the 2^31 elements of one
 * array.
 */
public final class RequestSet {
  private final int[][] blocks;

  /** Per request: block number in the high 32 bits, first token within the block in the low 32. */
  private final long[] starts;

  private final int[] promptTokens;
  private final int[] estimatedOutputTokens;
  private final int[] maxOutputTokens;

  private RequestSet(
      int[][] blocks,
      long[] starts,
      int[] promptTokens,
      int[] estimatedOutputTokens,
      int[] maxOutputTokens) {
    this.blocks = blocks;
    this.starts = starts;
    this.promptTokens = promptTokens;
    this.estimatedOutputTokens = estimatedOutputTokens;
    this.maxOutputTokens = maxOutputTokens;
  }

  public static Builder builder() {
    return new Builder();
  }

  public int size() {
    return promptTokens.length;
  }

  /** Number of prompt tokens of a request; at least 1. */
  public int promptTokens(int request) {
    return promptTokens[request];
  }

  /** Token id at {@code position} in {@code 0..promptTokens(request)-1}. */
  public int token(int request, int position) {
    Objects.checkIndex(position, promptTokens[request]);
    return block(request)[start(request) + position];
  }

  /** A fresh copy of the prompt. */
  public int[] prompt(int request) {
    int from = start(request);
    return Arrays.copyOfRange(block(request), from, from + promptTokens[request]);
  }

  /** Expected number of generated tokens, at most {@link #maxOutputTokens}. */
  public int estimatedOutputTokens(int request) {
    return estimatedOutputTokens[request];
  }

  /** Most tokens the request may generate. */
  public int maxOutputTokens(int request) {
    return maxOutputTokens[request];
  }

  /**
   * Compares two prompts from {@code fromPosition} on, knowing that they agree before it.
   *
   * @return length of the longest common prefix of the two prompts
   */
  public int commonPrefix(int a, int b, int fromPosition) {
    int lengthA = promptTokens[a];
    int lengthB = promptTokens[b];
    int startA = start(a);
    int startB = start(b);
    int mismatch =
        Arrays.mismatch(
            block(a),
            startA + fromPosition,
            startA + lengthA,
            block(b),
            startB + fromPosition,
            startB + lengthB);
    return mismatch < 0 ? lengthA : fromPosition + mismatch;
  }

  /** The same requests with other expected output lengths, each capped by its maximum. */
  public RequestSet withEstimatedOutputTokens(int[] estimates) {
    if (estimates.length != size()) {
      throw new IllegalArgumentException(
          estimates.length + " estimates for " + size() + " requests: one per request is needed");
    }
    int[] capped = new int[estimates.length];
    for (int i = 0; i < capped.length; i++) {
      capped[i] = Math.clamp(estimates[i], 0, maxOutputTokens[i]);
    }
    return new RequestSet(blocks, starts, promptTokens, capped, maxOutputTokens);
  }

  private int[] block(int request) {
    return blocks[(int) (starts[request] >>> 32)];
  }

  private int start(int request) {
    return (int) starts[request];
  }

  /** Collects requests; not thread-safe. Token arrays are copied. */
  public static final class Builder {
    private static final int BLOCK_TOKENS = 1 << 22;

    private int[][] blocks = new int[4][];
    private int blockCount;
    private int used;
    private long[] starts = new long[16];
    private int[] promptTokens = new int[16];
    private int[] estimated = new int[16];
    private int[] max = new int[16];
    private int size;

    private Builder() {}

    /** Adds a request whose expected output length is not known yet: its maximum is taken. */
    public Builder add(int[] prompt, int maxOutputTokens) {
      return add(prompt, 0, prompt.length, maxOutputTokens, maxOutputTokens);
    }

    public Builder add(int[] prompt, int estimatedOutputTokens, int maxOutputTokens) {
      return add(prompt, 0, prompt.length, estimatedOutputTokens, maxOutputTokens);
    }

    /**
     * Adds the request whose prompt is {@code tokens[from .. from+length-1]}.
     *
     * @throws IllegalArgumentException if the prompt is empty or an output length is negative
     */
    public Builder add(
        int[] tokens, int from, int length, int estimatedOutputTokens, int maxOutputTokens) {
      Objects.checkFromIndexSize(from, length, tokens.length);
      if (length == 0) {
        throw new IllegalArgumentException(
            "request " + size + " has an empty prompt: a prompt needs at least one token");
      }
      long start = reserve(length);
      System.arraycopy(tokens, from, blocks[(int) (start >>> 32)], (int) start, length);
      append(start, length, estimatedOutputTokens, maxOutputTokens);
      return this;
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

    /** The set of all requests added so far. The builder may be used further. */
    public RequestSet build() {
      return new RequestSet(
          Arrays.copyOf(blocks, blockCount),
          Arrays.copyOf(starts, size),
          Arrays.copyOf(promptTokens, size),
          Arrays.copyOf(estimated, size),
          Arrays.copyOf(max, size));
    }

    private long reserve(int length) {
      if (blockCount == 0 || blocks[blockCount - 1].length - used < length) {
        if (blockCount == blocks.length) {
          blocks = Arrays.copyOf(blocks, 2 * blockCount);
        }
        int capacity = blockCount == 0 ? 1 << 14 : BLOCK_TOKENS;
        blocks[blockCount++] = new int[Math.max(length, capacity)];
        used = 0;
      }
      long start = ((long) (blockCount - 1) << 32) | used;
      used += length;
      return start;
    }

    private void append(long start, int length, int estimatedOutputTokens, int maxOutputTokens) {
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
