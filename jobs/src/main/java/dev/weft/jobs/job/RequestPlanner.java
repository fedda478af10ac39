package dev.weft.jobs.job;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.jobs.plan.PlanOutline;
import dev.weft.jobs.plan.PlannedWork;
import dev.weft.jobs.plan.TimeError;
import java.util.Optional;

/** Plans the requests of a run: in one tree on the driver, or range by range on the executors. */
sealed interface RequestPlanner permits OneLevelPlanner, TwoLevelPlanner {

  /** Requests of which every answer is in the ledger. */
  long doneRequests();

  /** Answers of those. */
  long doneAnswers();

  /** Expected output tokens of all requests, with what is known now. */
  long expectedOutputTokens();

  /** Plans with other rates from now on. */
  void use(CostModel cost);

  /** Looks at the ledger again: what it holds is done, and tells output lengths. */
  void readDone();

  /**
   * Requests to run first, so that they tell output lengths.
   *
   * @param wanted how many; those that are done are not among them
   */
  Optional<PlannedWork> sample(int wanted);

  /**
   * What a plan of all requests says.
   *
   * @param error of predicted times
   */
  PlanOutline outline(TimeError error, PlanProgress progress);

  /** The requests that are not done. */
  Optional<PlannedWork> left();
}
