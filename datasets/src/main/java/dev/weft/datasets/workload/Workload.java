package dev.weft.datasets.workload;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * A set of requests: prompts made of segments, and true output lengths.
 *
 * <p>A segment is the beginning of an endless stream of token ids, which its number fixes; equal
 * numbers after equal segments are a shared prefix. Token ids are made when asked for, so that a
 * workload of hundreds of millions of tokens is small. The first token of a stream is its number,
 * the others are spread over a vocabulary of {@value #VOCABULARY}: two streams differ from their
 * first token on, and prompts are sorted by the numbers of their streams.
 */
public final class Workload {
  /** Size of the vocabulary, that of Llama 3. Numbers of streams may exceed it. */
  public static final int VOCABULARY = 128_256;

  private final String name;
  private final long seed;

  /** Per segment; those of request {@code i} are {@code [firstSegment[i], firstSegment[i+1])}. */
  private final int[] streams;

  private final int[] lengths;
  private final int[] firstSegment;
  private final int[] promptTokens;
  private final int[] outputTokens;
  private final int[] maxOutputTokens;

  /** Requests whose output length is known beforehand. */
  private final BitSet known = new BitSet();

  private long distinctTokens = -1;

  private Workload(Builder builder, String name, long seed, int[] order) {
    this.name = name;
    this.seed = seed;
    int n = order.length;
    streams = new int[builder.segments];
    lengths = new int[builder.segments];
    firstSegment = new int[n + 1];
    promptTokens = new int[n];
    outputTokens = new int[n];
    maxOutputTokens = new int[n];
    for (int i = 0; i < n; i++) {
      int from = builder.firstSegment[order[i]];
      int to = builder.firstSegment[order[i] + 1];
      firstSegment[i + 1] = firstSegment[i] + to - from;
      System.arraycopy(builder.streams, from, streams, firstSegment[i], to - from);
      System.arraycopy(builder.lengths, from, lengths, firstSegment[i], to - from);
      for (int s = from; s < to; s++) {
        promptTokens[i] += builder.lengths[s];
      }
      outputTokens[i] = builder.outputTokens[order[i]];
      maxOutputTokens[i] = builder.maxOutputTokens[order[i]];
      known.set(i, builder.known.get(order[i]));
    }
  }

  public static Builder builder() {
    return new Builder();
  }

  public String name() {
    return name;
  }

  /** The seed it was made with; 0 for recorded traces. */
  public long seed() {
    return seed;
  }

  /** Number of requests. */
  public int size() {
    return promptTokens.length;
  }

  /** Prompt tokens of a request, at least 1. */
  public int promptTokens(int request) {
    return promptTokens[request];
  }

  /**
   * Tokens that the request will generate, at least 1. A planner may know them only if {@link
   * #isOutputKnown}.
   */
  public int outputTokens(int request) {
    return outputTokens[request];
  }

  /** Most tokens that the request may generate; the planner knows this. */
  public int maxOutputTokens(int request) {
    return maxOutputTokens[request];
  }

  /** Whether the output length is known beforehand, as that of a video is. */
  public boolean isOutputKnown(int request) {
    return known.get(request);
  }

  /** Token ids of a prompt. */
  public int[] prompt(int request) {
    int[] tokens = new int[promptTokens[request]];
    int at = 0;
    for (int s = firstSegment[request]; s < firstSegment[request + 1]; s++) {
      long stream = mix(seed * 0x9E3779B97F4A7C15L + streams[s]);
      tokens[at++] = streams[s];
      for (int k = 1; k < lengths[s]; k++) {
        long bits = mix(stream + k) >>> 32;
        tokens[at++] = (int) (bits * VOCABULARY >>> 32);
      }
    }
    return tokens;
  }

  /** The first requests as a workload of their own. */
  public Workload first(int requests) {
    Objects.checkFromToIndex(0, requests, size());
    Builder builder = builder();
    for (int i = 0; i < requests; i++) {
      for (int s = firstSegment[i]; s < firstSegment[i + 1]; s++) {
        builder.segment(streams[s], lengths[s]);
      }
      if (isOutputKnown(i)) {
        builder.endKnown(outputTokens[i]);
      } else {
        builder.end(outputTokens[i], maxOutputTokens[i]);
      }
    }
    return builder.build(name, seed);
  }

  /** Prompt tokens of all requests. */
  public long totalPromptTokens() {
    return sum(promptTokens);
  }

  /** Output tokens of all requests. */
  public long totalOutputTokens() {
    return sum(outputTokens);
  }

  /** Tokens of the prefix tree of all prompts. */
  public long distinctTokens() {
    if (distinctTokens < 0) {
      int most = 0;
      for (int stream : streams) {
        most = Math.max(most, stream);
      }
      // A stream always follows the same segments, so what is distinct is its longest beginning.
      int[] longest = new int[streams.length == 0 ? 0 : most + 1];
      for (int s = 0; s < streams.length; s++) {
        longest[streams[s]] = Math.max(longest[streams[s]], lengths[s]);
      }
      distinctTokens = sum(longest);
    }
    return distinctTokens;
  }

  /** Part of the prompt tokens that sharing can save: {@code 1 - distinct / all}. */
  public double sharing() {
    long all = totalPromptTokens();
    return all == 0 ? 0 : 1 - (double) distinctTokens() / all;
  }

  private static long sum(int[] values) {
    long sum = 0;
    for (int value : values) {
      sum += value;
    }
    return sum;
  }

  /** Finalizer of SplitMix64 (Steele, Lea and Flood 2014). */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Collects requests; not thread-safe. */
  public static final class Builder {
    private int[] streams = new int[64];
    private int[] lengths = new int[64];
    private int segments;
    private int[] firstSegment = new int[32];
    private int[] outputTokens = new int[32];
    private int[] maxOutputTokens = new int[32];
    private final BitSet known = new BitSet();
    private int size;

    private Builder() {}

    /**
     * Adds a segment to the prompt of the request that {@link #end} will add.
     *
     * @param stream number of the stream, at least 0. It must always follow the same segments
     * @param tokens length, at least 0; nothing is added for 0
     */
    public Builder segment(int stream, int tokens) {
      Objects.checkIndex(stream, Integer.MAX_VALUE);
      if (tokens < 0) {
        throw new IllegalArgumentException("a segment cannot have " + tokens + " tokens");
      }
      if (tokens > 0) {
        if (segments == streams.length) {
          streams = Arrays.copyOf(streams, 2 * segments);
          lengths = Arrays.copyOf(lengths, 2 * segments);
        }
        streams[segments] = stream;
        lengths[segments++] = tokens;
      }
      return this;
    }

    /**
     * Ends a request.
     *
     * @throws IllegalArgumentException if it has no prompt, or {@code 1 <= outputTokens <=
     *     maxOutputTokens} does not hold
     */
    public Builder end(int outputTokens, int maxOutputTokens) {
      if (segments == firstSegment[size] || outputTokens < 1 || maxOutputTokens < outputTokens) {
        throw new IllegalArgumentException(
            "request "
                + size
                + " has "
                + (segments - firstSegment[size])
                + " segments, "
                + outputTokens
                + " output tokens and a maximum of "
                + maxOutputTokens
                + ": it needs a prompt, an output, and a maximum that is not below it");
      }
      if (size + 1 == this.outputTokens.length) {
        firstSegment = Arrays.copyOf(firstSegment, 2 * size + 2);
        this.outputTokens = Arrays.copyOf(this.outputTokens, 2 * size + 2);
        this.maxOutputTokens = Arrays.copyOf(this.maxOutputTokens, 2 * size + 2);
      }
      this.outputTokens[size] = outputTokens;
      this.maxOutputTokens[size] = maxOutputTokens;
      firstSegment[++size] = segments;
      return this;
    }

    /** Ends a request whose output length is known beforehand; it is its maximum, too. */
    public Builder endKnown(int outputTokens) {
      end(outputTokens, outputTokens);
      known.set(size - 1);
      return this;
    }

    public int size() {
      return size;
    }

    /** The requests in the order in which they were added. */
    public Workload build(String name, long seed) {
      int[] order = new int[size];
      Arrays.setAll(order, i -> i);
      return new Workload(this, name, seed, order);
    }

    /** The requests in an order drawn by the seed. */
    public Workload buildShuffled(String name, long seed) {
      int[] order = new int[size];
      Arrays.setAll(order, i -> i);
      SplittableRandom random = new SplittableRandom(seed);
      for (int i = size - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
      }
      return new Workload(this, name, seed, order);
    }
  }
}
