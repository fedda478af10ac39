package dev.weft.benchmarks.planner;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;

/**
 * Times that no order can go below, with the same accounting as the simulator.
 *
 * <p>{@code C}: every token of the prefix tree and every output token but the last of each request
 * once through the layers. {@code M}: the KV reads of all decode steps, and all weights once in
 * each of the fewest steps that can do: as many as the longest output asks for, as the token budget
 * of a step asks for, and as the KV memory asks for if it is full of nothing but what requests hold
 * for themselves.
 *
 * @param computeSeconds {@code C}
 * @param memorySeconds {@code M}
 * @param steps fewest steps
 * @param idealSeconds {@code max(C, M)}
 * @param practicalSeconds {@code max(C, M) + (1-w) min(C, M)} and the overhead of the steps. Since
 *     a step takes {@code w max(c, m) + (1-w) (c + m)}, no sequence of steps takes less
 */
record Bounds(
    double computeSeconds,
    double memorySeconds,
    long steps,
    double idealSeconds,
    double practicalSeconds) {

  /**
   * @param truth tree with the true output lengths
   * @param budgetTokens most tokens of a step
   * @param kvTokens KV memory
   */
  static Bounds of(PrefixTree truth, CostModel cost, int budgetTokens, long kvTokens) {
    RequestSet requests = truth.requests();
    double compute = 0;
    for (int node = 1; node < truth.nodes(); node++) {
      compute +=
          cost.prefillSeconds(truth.depthTokens(truth.parent(node)), truth.depthTokens(node));
    }
    double memory = 0;
    double heldTokenSteps = 0;
    long tokens = truth.distinctTokens();
    long longest = 0;
    int n = requests.size();
    for (int position = 0; position < n; position++) {
      int request = truth.requestAt(position);
      long prompt = requests.promptTokens(request);
      long decodes = Math.max(0, requests.estimatedOutputTokens(request) - 1L);
      compute += cost.decodeComputeSeconds(decodes);
      memory += cost.memorySeconds(prompt, decodes);
      int after = position + 1 < n ? truth.commonPrefixTokens(position + 1) : 0;
      long own = prompt - Math.max(truth.commonPrefixTokens(position), after);
      heldTokenSteps += own * (double) decodes + 0.5 * decodes * decodes;
      tokens += decodes;
      longest = Math.max(longest, decodes + 1);
    }
    long steps = Math.max(longest, (tokens + budgetTokens - 1) / budgetTokens);
    steps = Math.max(steps, (long) (heldTokenSteps / kvTokens));
    memory += steps * cost.stepMemorySeconds(0);
    double overhead = steps * cost.device().stepOverheadSeconds();
    return new Bounds(
        compute,
        memory,
        steps,
        Math.max(compute, memory) + overhead,
        cost.totalSeconds(compute, memory) + overhead);
  }
}
