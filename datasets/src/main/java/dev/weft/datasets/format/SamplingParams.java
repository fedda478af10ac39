package dev.weft.datasets.format;

import java.util.List;
import java.util.OptionalLong;

/**
 * How the answer is drawn. Names and meanings are those of the OpenAI API and, where it has none
 * (top-k, min-p, repetition penalty), those of vLLM.
 *
 * @param maxTokens most tokens to generate, at least 1; {@link #UNLIMITED} for all that the context
 *     leaves
 * @param temperature 0 to 2; 0 takes the most likely token
 * @param topP above 0, at most 1
 * @param topK most likely tokens kept; 0 keeps all
 * @param minP 0 to 1: drops tokens less likely than this share of the most likely one
 * @param repetitionPenalty above 0, at most 10; 1 is none
 * @param frequencyPenalty -2 to 2
 * @param presencePenalty -2 to 2
 * @param stop texts that end the answer, none of them empty
 * @param seed the request's own seed; without one it follows from the job's seed and the request's
 *     id
 * @param n answers to draw, at least 1
 * @param logprobs alternatives whose log-probability is reported for each token, 0 for the token's
 *     own only; {@link #NO_LOGPROBS} for none
 */
public record SamplingParams(
    int maxTokens,
    double temperature,
    double topP,
    int topK,
    double minP,
    double repetitionPenalty,
    double frequencyPenalty,
    double presencePenalty,
    List<String> stop,
    OptionalLong seed,
    int n,
    int logprobs) {

  /** {@link #maxTokens} when the request sets no limit. */
  public static final int UNLIMITED = -1;

  /** {@link #logprobs} when the request wants none. */
  public static final int NO_LOGPROBS = -1;

  /** The API's defaults: one answer, temperature 1, nothing cut off. */
  public static final SamplingParams DEFAULTS =
      new SamplingParams(
          UNLIMITED, 1, 1, 0, 0, 1, 0, 0, List.of(), OptionalLong.empty(), 1, NO_LOGPROBS);

  public SamplingParams {
    stop = List.copyOf(stop);
  }

  /** True if the most likely token is always taken. */
  public boolean greedy() {
    return temperature == 0;
  }

  /**
   * True if the same tokens with these parameters have the same answer whatever the request's id
   * is.
   */
  public boolean deterministic() {
    return greedy() || seed.isPresent();
  }
}
