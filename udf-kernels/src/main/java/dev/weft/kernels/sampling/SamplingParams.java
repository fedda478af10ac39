package dev.weft.kernels.sampling;

import java.util.Locale;

/**
 * How tokens of one request are drawn, in the order in which the values apply.
 *
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens of prompt and
 *     output (CTRL, arXiv 1909.05858, as in Hugging Face transformers); in [0.01, 100], 1 is off
 * @param frequencyPenalty subtracted from the logit of a token for each time it was generated, in
 *     [-2, 2], 0 is off (OpenAI)
 * @param presencePenalty subtracted from the logit of a token that was generated at all, in [-2,
 *     2], 0 is off (OpenAI)
 * @param temperature divides the logits; in [0, 100], 0 takes the most likely token
 * @param topK number of most likely tokens to draw from; 0 is off
 * @param topP smallest set of most likely tokens whose probabilities reach this sum; in (0, 1], 1
 *     is off
 * @param minP least probability relative to the most likely token; in [0, 1], 0 is off
 */
public record SamplingParams(
    float repetitionPenalty,
    float frequencyPenalty,
    float presencePenalty,
    float temperature,
    int topK,
    float topP,
    float minP) {

  /** The most likely token, nothing penalized. */
  public static final SamplingParams GREEDY = new SamplingParams(1, 0, 0, 0, 0, 1, 0);

  /** Of {@link #tokensNeeded}: every token counts. */
  public static final int ALL_TOKENS = Integer.MAX_VALUE;

  /** Of {@link #span}: the tokens needed are enough whatever their logits. */
  public static final double NO_SPAN = -1;

  /** Above all errors of rounding in weights, far below what moves a draw. */
  private static final double SLACK = 1e-9;

  /**
   * @throws IllegalArgumentException if a value is outside its range; the message names value and
   *     range
   */
  public SamplingParams {
    require(
        within(repetitionPenalty, 0.01f, 100),
        "repetition_penalty",
        repetitionPenalty,
        "0.01 to 100");
    require(within(frequencyPenalty, -2, 2), "frequency_penalty", frequencyPenalty, "-2 to 2");
    require(within(presencePenalty, -2, 2), "presence_penalty", presencePenalty, "-2 to 2");
    require(within(temperature, 0, 100), "temperature", temperature, "0 to 100");
    require(topK >= 0, "top_k", topK, "0 (off) or more");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    require(within(minP, 0, 1), "min_p", minP, "0 to 1");
  }

  /** Whether the same prompt always gives the same answer, whatever the seed. */
  public boolean greedy() {
    return temperature == 0;
  }

  /** Whether logits depend on the tokens before. */
  public boolean penalized() {
    return repetitionPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0;
  }

  /**
   * Of how many of the most likely tokens the logits decide the draw, bit by bit; {@link
   * #ALL_TOKENS} where a token may be drawn however unlikely it is, or become likely by a penalty.
   * Top-p and min-p look at what top-k leaves. Where {@link #span} is not {@link #NO_SPAN} they are
   * enough only if the last of them lies below that.
   */
  public int tokensNeeded() {
    if (penalized()) {
      return ALL_TOKENS;
    }
    if (greedy()) {
      return 1;
    }
    if (minPDecides()) {
      return TopTokens.MOST;
    }
    return topK > 0 ? topK : ALL_TOKENS;
  }

  /**
   * How far a logit may lie below the largest for its token to be drawn, rounded up, where min-p
   * alone says how many tokens that are; else {@link #NO_SPAN}.
   */
  public double span() {
    return !penalized() && !greedy() && minPDecides()
        ? temperature * (SLACK - Math.log(minP) * (1 + SLACK))
        : NO_SPAN;
  }

  /** Top-p sums over tokens that min-p drops; a small top-k is asked for as it is. */
  private boolean minPDecides() {
    return minP > 0 && topP == 1 && (topK == 0 || topK > TopTokens.MOST);
  }

  private static boolean within(float value, float low, float high) {
    return value >= low && value <= high;
  }

  private static void require(boolean holds, String name, Number value, String range) {
    if (!holds) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s is %s; allowed is %s", name, value, range));
    }
  }
}
