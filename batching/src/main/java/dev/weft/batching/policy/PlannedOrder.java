package dev.weft.batching.policy;

import dev.weft.batching.request.Side;
import java.util.BitSet;
import java.util.List;

/**
 * The order a policy chose: every request exactly once, each on one side.
 *
 * <p>The requests of one side, in this order, are a walk over the prefix tree from one end. So any
 * contiguous piece of the order is again two runs, each contiguous in the tree, and an executor
 * that holds a piece admits from the two runs by the dual-scan rule. One-sided orders have every
 * request on {@link Side#COMPUTE}.
 */
public final class PlannedOrder {
  private final String policy;
  private final int[] requests;
  private final BitSet memorySide;
  private final List<String> notes;

  /**
   * @param policy name of the policy that made it
   * @param requests request numbers in planned order; kept, not copied
   * @param memorySide positions (not request numbers) on the memory side; kept, not copied
   * @param notes reasons and remarks in words for the user
   */
  public PlannedOrder(String policy, int[] requests, BitSet memorySide, List<String> notes) {
    this.policy = policy;
    this.requests = requests;
    this.memorySide = memorySide;
    this.notes = List.copyOf(notes);
  }

  /** An order with one side only. */
  public static PlannedOrder oneSided(String policy, int[] requests, List<String> notes) {
    return new PlannedOrder(policy, requests, new BitSet(), notes);
  }

  public String policy() {
    return policy;
  }

  public int size() {
    return requests.length;
  }

  /** Request at a position of the order. */
  public int request(int position) {
    return requests[position];
  }

  public Side side(int position) {
    return memorySide.get(position) ? Side.MEMORY : Side.COMPUTE;
  }

  /** Whether requests are on both sides. */
  public boolean isDualScan() {
    return !memorySide.isEmpty();
  }

  public List<String> notes() {
    return notes;
  }

  /** A copy of the requests in planned order. */
  public int[] requests() {
    return requests.clone();
  }
}
