package dev.weft.batching.schedule;

/**
 * What the waiting requests of one side will ask of the KV pool: sums over them, so that the pool's
 * use by requests that are not admitted yet can be foreseen.
 *
 * <p>A request with {@code p} prompt tokens of its own and {@code d} output tokens holds {@code p +
 * t} tokens after {@code t} steps, so {@code D = p d + d^2/2} token-steps in its life (with the
 * means of {@code d} and {@code d^2} where its length is uncertain). A pool of {@code K} tokens
 * that is always full admits {@code K / D} of them a step (Little's law).
 */
final class WaitingDemand {
  /**
   * Part of the foreseen use that is kept free for those to come. 0 fills the pool at once and
   * leaves it half empty later; near 1 the smallest error of an estimate keeps the pool from ever
   * filling. Measured in docs/decisions/003.
   */
  private static final double RESERVED = 0.5;

  private int count;
  private double tokenSteps;
  private double promptTokens;
  private double outputTokens;

  void add(Sequence sequence) {
    count(sequence, 1);
  }

  void remove(Sequence sequence) {
    count(sequence, -1);
  }

  private void count(Sequence sequence, int sign) {
    double p = sequence.ownPromptTokens;
    double d = sequence.plannedOutputTokens;
    count += sign;
    tokenSteps += sign * (p * d + 0.5 * sequence.plannedSquareTokens);
    promptTokens += sign * p;
    outputTokens += sign * d;
  }

  /** Requests that wait. */
  int requests() {
    return count;
  }

  /** Tokens held times steps, summed over the lives of all. */
  double tokenSteps() {
    return tokenSteps;
  }

  /** Prompt tokens that the requests before them do not leave in the cache. */
  double promptTokens() {
    return promptTokens;
  }

  /** Tokens that they are expected to generate. */
  double outputTokens() {
    return outputTokens;
  }

  /**
   * Tokens to keep free for requests that will have been admitted one after the other after that
   * many steps.
   *
   * @param poolTokens tokens of the KV pool
   * @param lengthFactor by which outputs turn out shorter than estimated, at most 1
   */
  double arrivingTokens(int steps, double poolTokens, double lengthFactor) {
    if (count <= 1) {
      return 0;
    }
    double each = tokenSteps / count * lengthFactor * lengthFactor;
    double perStep = poolTokens / (each + 1);
    double t = Math.min(steps, outputTokens / count * lengthFactor);
    // The last of them is admitted by then; they have grown by as much as their age.
    double arriving = Math.min(t, count / perStep);
    double grown = 0.5 * (t * t - (t - arriving) * (t - arriving));
    double held = perStep * (promptTokens / count * arriving + grown);
    return RESERVED * Math.min(held, poolTokens);
  }
}
