package dev.weft.batching.policy;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.tree.PrefixTree;

/**
 * Chooses the order of all requests of a job. Planner, simulator and engine use the same object.
 */
public interface SchedulingPolicy {
  /** Name in configuration and reports, lower case. */
  String name();

  /**
   * Orders all requests of the tree; the same input gives the same order. Long computations stop
   * with {@link dev.weft.batching.request.PlanningInterruptedException} when the thread is
   * interrupted.
   *
   * @param kvBudgetTokens tokens whose K and V one executor can hold
   */
  PlannedOrder order(PrefixTree tree, CostModel cost, long kvBudgetTokens);

  /**
   * Orders a part of a larger table, so that the orders of all parts together suit the whole. A
   * policy that weighs requests against each other weighs them against the density of the whole,
   * not that of the part; for the others a part is ordered like a table.
   *
   * @param wholeDensity compute over memory seconds of the whole table
   */
  default PlannedOrder orderPart(
      PrefixTree tree, CostModel cost, long kvBudgetTokens, double wholeDensity) {
    return order(tree, cost, kvBudgetTokens);
  }
}
