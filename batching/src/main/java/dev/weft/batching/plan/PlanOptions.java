package dev.weft.batching.plan;

/**
 * What the planner is asked for.
 *
 * @param partitions pieces to cut the order into, at least 1; fewer come out if there are fewer
 *     requests
 * @param slots pieces that run at the same time, at least 1. If there are more pieces than slots,
 *     the first are large and the last small, so that all slots end together although predictions
 *     are wrong ({@link PieceSizes})
 * @param kvBudgetTokens tokens whose K and V one executor can hold, at least 1
 * @param pageTokens tokens of a KV page
 */
public record PlanOptions(int partitions, int slots, long kvBudgetTokens, int pageTokens) {
  public PlanOptions {
    if (partitions < 1 || slots < 1 || kvBudgetTokens < 1 || pageTokens < 1) {
      throw new IllegalArgumentException(
          "plan options must be at least 1, got partitions="
              + partitions
              + " slots="
              + slots
              + " kvBudgetTokens="
              + kvBudgetTokens
              + " pageTokens="
              + pageTokens);
    }
  }

  /** Equal pieces, one for each slot. */
  public PlanOptions(int partitions, long kvBudgetTokens, int pageTokens) {
    this(partitions, partitions, kvBudgetTokens, pageTokens);
  }
}
