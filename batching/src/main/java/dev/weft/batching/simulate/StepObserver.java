package dev.weft.batching.simulate;

/** Told of every step of a simulated run, in order. */
@FunctionalInterface
public interface StepObserver {
  StepObserver NONE = (seconds, computeSeconds, memorySeconds, kvTokens) -> {};

  /**
   * @param seconds predicted time of the step, its overhead included
   * @param computeSeconds compute part before overlapping
   * @param memorySeconds memory part before overlapping: weights and KV
   * @param kvTokens tokens of the KV pages in use during the step
   */
  void step(double seconds, double computeSeconds, double memorySeconds, long kvTokens);
}
