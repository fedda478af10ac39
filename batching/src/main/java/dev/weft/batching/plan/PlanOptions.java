package dev.weft.batching.plan;

/**
 * What the planner is asked for.
 *
 * @param partitions pieces to cut the order into, at least 1; fewer come out if there are fewer
 *     requests
 * @param kvBudgetTokens tokens whose K and V one executor can hold, at least 1
 * @param pageTokens tokens of a KV page
 */
public record PlanOptions(int partitions, long kvBudgetTokens, int pageTokens) {
  public PlanOptions {
    if (partitions < 1 || kvBudgetTokens < 1 || pageTokens < 1) {
      throw new IllegalArgumentException(
          "plan options must be at least 1, got partitions="
              + partitions
              + " kvBudgetTokens="
              + kvBudgetTokens
              + " pageTokens="
              + pageTokens);
    }
  }
}
