package dev.weft.batching.plan;

/** Told how far planning is. Called on the planning thread; must return quickly. */
@FunctionalInterface
public interface PlanProgress {
  PlanProgress NONE = (stage, done) -> {};

  /**
   * @param stage what is being done, for example {@code order} or {@code cut}
   * @param done part of the whole plan that is done, 0..1
   */
  void at(String stage, double done);
}
