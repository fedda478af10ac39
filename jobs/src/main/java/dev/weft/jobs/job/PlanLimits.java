package dev.weft.jobs.job;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.plan.Goals;
import dev.weft.jobs.plan.JobPlan;

/** What the configuration and the engines ask of a plan. */
record PlanLimits(WeftConfig config, Sizing sizing) {

  /** The policy to plan with; of {@code auto} the one to begin with. */
  String policy() {
    return isAuto() ? Goals.FIRST_POLICY : config.plan().policy();
  }

  /** Whether predictions decide the policy. */
  boolean isAuto() {
    return config.plan().policy().equals(WeftConfig.Plan.AUTO_POLICY);
  }

  int engines() {
    return sizing.engines();
  }

  /** Partitions that run at the same time. */
  int slots() {
    return sizing.engines() * sizing.tasks();
  }

  /** A large partition for each slot and a few small ones, so that none waits for the last one. */
  int partitions(long requests) {
    if (config.plan().partitions() > 0) {
      return config.plan().partitions();
    }
    int each = sizing.engines() == 1 ? 1 : 4;
    return Math.clamp(requests / 16, 1, slots() * each);
  }

  JobPlan.Limits of(int partitions) {
    return new JobPlan.Limits(
        partitions,
        slots(),
        sizing.kvTokens(),
        config.engine().pageTokens(),
        config.engine().budgetTokens(),
        config.engine().maxSequences());
  }
}
