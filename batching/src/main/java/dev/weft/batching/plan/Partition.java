package dev.weft.batching.plan;

/**
 * A contiguous piece of the planned order that one executor runs.
 *
 * @param from first position of the order
 * @param to position after the last
 * @param promptTokens prompt tokens of its requests
 * @param computedPromptTokens those that must be computed with unlimited cache, token by token
 * @param outputTokens expected output tokens
 * @param computeSeconds predicted compute time
 * @param memorySeconds predicted time of KV reads
 * @param totalSeconds predicted time with the device's overlap
 */
public record Partition(
    int from,
    int to,
    long promptTokens,
    long computedPromptTokens,
    long outputTokens,
    double computeSeconds,
    double memorySeconds,
    double totalSeconds) {

  public int size() {
    return to - from;
  }
}
