package dev.weft.kernels.engine;

import dev.weft.batching.request.OutputDistribution;
import dev.weft.batching.request.Side;
import dev.weft.kernels.sampling.SamplingParams;

/**
 * A request that can run; the meaning of its parts is that of {@link RequestSchema}.
 *
 * @param outputLengths null where only the estimate is known
 * @param maxOutputTokens {@code max_tokens}, cut to what the context leaves
 * @param randomKey of all its samples
 * @param topLogprobs alternatives of each token, or {@link #NO_LOGPROBS}
 */
record GenerationRequest(
    long row,
    String requestId,
    int[] prompt,
    Side side,
    int estimatedOutputTokens,
    OutputDistribution outputLengths,
    int maxOutputTokens,
    SamplingParams sampling,
    long randomKey,
    int samples,
    String[] stops,
    int[] stopTokens,
    int topLogprobs,
    boolean ignoreEos) {

  static final int NO_LOGPROBS = -1;

  boolean wantsLogprobs() {
    return topLogprobs != NO_LOGPROBS;
  }

  /** Of how many of the most likely tokens the logits are looked at. */
  int tokensNeeded() {
    return wantsLogprobs() ? SamplingParams.ALL_TOKENS : sampling.tokensNeeded();
  }

  /** How far the last of them must be below the first to be enough. */
  double logitSpan() {
    return wantsLogprobs() ? SamplingParams.NO_SPAN : sampling.span();
  }

  boolean isStopToken(int token) {
    for (int stop : stopTokens) {
      if (stop == token) {
        return true;
      }
    }
    return false;
  }
}
