package dev.weft.kernels.engine;

import dev.weft.kernels.sampling.Sampler;
import java.util.Arrays;

/**
 * One sample of a request: what was generated, why it ended, what it cost. Changed by the engine's
 * thread until it is finished, then read by the stream's reader.
 */
final class Answer {
  private static final int[] NONE = {};

  final long row;
  final String requestId;
  final int sample;
  final int promptTokens;

  /** Null if the request cannot run. */
  final GenerationRequest request;

  final EngineStream stream;

  /** Generated tokens that belong to the answer; valid in {@code [0, length)}. */
  int[] tokens = NONE;

  int length;

  /** Generated tokens, those that stopped the answer included. */
  int outputTokens;

  /** Null without stop texts. */
  StopText stopText;

  /** {@code stop} or {@code length}; null while it runs and with an error. */
  String finishReason;

  String stopReason;
  EngineError error;
  String errorMessage;

  /** Of each token: its log-probability and its most likely alternatives. Empty if not wanted. */
  double[] logprobs = {};

  int[] topTokens = NONE;
  double[] topLogprobs = {};
  int tops;

  /** Leading tokens that were computed at least once; for {@link #recomputedTokens}. */
  int computedOnce;

  int sharedTokens;
  int recomputedTokens;
  long submittedNanos;
  long startedNanos;
  long firstTokenNanos;
  long endedNanos;
  double energyJoules;
  String energySource;

  Answer(GenerationRequest request, int sample, EngineStream stream) {
    this.request = request;
    this.row = request.row();
    this.requestId = request.requestId();
    this.sample = sample;
    this.promptTokens = request.prompt().length;
    this.stream = stream;
  }

  /** A request that cannot run. */
  Answer(
      long row,
      String requestId,
      int promptTokens,
      EngineError error,
      String message,
      EngineStream stream) {
    this.request = null;
    this.row = row;
    this.requestId = requestId;
    this.sample = 0;
    this.promptTokens = promptTokens;
    this.stream = stream;
    fail(error, message);
  }

  /**
   * Ends it without an answer: what was generated goes, so that the row depends on nothing else.
   */
  void fail(EngineError code, String message) {
    error = code;
    errorMessage = message;
    finishReason = null;
    length = 0;
    stopText = null;
  }

  /** Takes note of what a step computed of its sequence. */
  void countComputed(int from, int count, long stepStartNanos) {
    if (startedNanos == 0) {
      startedNanos = stepStartNanos;
      computedOnce = from;
    }
    recomputedTokens += Math.clamp((long) computedOnce - from, 0, count);
    computedOnce = Math.max(computedOnce, from + count);
  }

  /** Adds a token, and what was asked to be known of it. */
  void add(int token, Sampler sampler, int[] topScratch) {
    if (length == tokens.length) {
      grow();
    }
    if (request.wantsLogprobs()) {
      logprobs[length] = sampler.logProbability(token);
      tops = sampler.top(topScratch, request.topLogprobs());
      for (int i = 0; i < tops; i++) {
        topTokens[length * tops + i] = topScratch[i];
        topLogprobs[length * tops + i] = sampler.logProbability(topScratch[i]);
      }
    }
    tokens[length++] = token;
  }

  private void grow() {
    int capacity = Math.min(Math.max(16, 2 * length), request.maxOutputTokens());
    tokens = Arrays.copyOf(tokens, capacity);
    if (request.wantsLogprobs()) {
      logprobs = Arrays.copyOf(logprobs, capacity);
      int top = capacity * request.topLogprobs();
      topTokens = Arrays.copyOf(topTokens, top);
      topLogprobs = Arrays.copyOf(topLogprobs, top);
    }
  }
}
