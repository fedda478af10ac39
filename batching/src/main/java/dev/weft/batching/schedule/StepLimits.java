package dev.weft.batching.schedule;

/**
 * Limits of one engine step.
 *
 * @param budgetTokens most tokens that go through the layers in one step, at least 1
 * @param maxSequences most sequences that run at the same time, at least 1; more than {@code
 *     budgetTokens} are never used, so that every running sequence gets its token in each step
 */
public record StepLimits(int budgetTokens, int maxSequences) {
  public StepLimits {
    if (budgetTokens < 1 || maxSequences < 1) {
      throw new IllegalArgumentException(
          "step limits must be at least 1, got budgetTokens="
              + budgetTokens
              + " and maxSequences="
              + maxSequences);
    }
  }
}
