package dev.weft.benchmarks.planner;

import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.RequestSet;
import dev.weft.kernels.engine.TokenRequests.Fixed;
import java.util.ArrayList;
import java.util.List;

/**
 * Requests with known output lengths in planned order.
 *
 * @param name last part but one of the measurement's name
 * @param about what it is
 * @param requests prompts and output lengths
 * @param order in which they run
 */
record SimulatorWorkload(String name, String about, RequestSet requests, PlannedOrder order) {

  /** The same for the engine. */
  List<Fixed> fixed() {
    List<Fixed> fixed = new ArrayList<>();
    for (int i = 0; i < order.size(); i++) {
      int r = order.request(i);
      int output = requests.maxOutputTokens(r);
      fixed.add(new Fixed(requests.prompt(r), output, output, order.side(i)));
    }
    return fixed;
  }
}
