package dev.weft.jobs.job;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.jobs.plan.*;
import java.util.Optional;
import java.util.function.Supplier;

final class TwoLevelPlanner implements RequestPlanner {
  TwoLevelPlanner(
      PlanStage.Context context,
      PlanLimits limits,
      CostModel cost,
      Totals totals,
      long driverTokens,
      String sizes,
      Supplier<PrefixText> text) {}

  @Override
  public long doneRequests() {
    return 0;
  }

  @Override
  public long doneAnswers() {
    return 0;
  }

  @Override
  public long expectedOutputTokens() {
    return 0;
  }

  @Override
  public void readDone() {}

  @Override
  public Optional<PlannedWork> sample(int wanted) {
    return Optional.empty();
  }

  @Override
  public PlanOutline outline(double error, PlanProgress progress) {
    return null;
  }

  @Override
  public Optional<PlannedWork> left() {
    return Optional.empty();
  }
}
