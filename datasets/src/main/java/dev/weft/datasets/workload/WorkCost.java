package dev.weft.datasets.workload;

/** What requests cost on some device, so that a mix can be made for a wanted density. */
public interface WorkCost {
  /**
   * Compute seconds of a request of which {@code sharedTokens} prompt tokens are there already. It
   * must be a sum over tokens: computing a prefix and then the rest costs as much as both at once.
   */
  double computeSeconds(long promptTokens, long sharedTokens, long outputTokens);

  /** Seconds of reading K and V of a request. */
  double memorySeconds(long promptTokens, long outputTokens);
}
