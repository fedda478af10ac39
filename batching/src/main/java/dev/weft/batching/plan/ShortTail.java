package dev.weft.batching.plan;

import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.Side;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Takes requests out of the last, small pieces of a plan that alone take longer than such a piece
 * should and than requests usually do, and spreads them evenly over what comes before: the longest
 * have to start first (LPT, Graham 1969). That costs at most 1% of the sharing.
 */
final class ShortTail {
  private static final double LOST_SHARING = 0.01;

  /** How much further than the tail is looked: the cut may put its border a little earlier. */
  private static final double MARGIN = 1.1;

  /** Work that is looked at, over that of the tail: most of it may be too long. */
  private static final double MOST_SEEN = 2;

  /** Times the mean at which a request takes long. */
  private static final double LONG = 3;

  private final PlannedOrder order;
  private final OrderCosts costs;

  /** Seconds of each position, so that all together take the time of the whole. */
  private final double[] seconds;

  private double sum;

  private ShortTail(PlannedOrder order, OrderCosts costs) {
    this.order = order;
    this.costs = costs;
    double compute = 0;
    double memory = 0;
    seconds = new double[order.size()];
    for (int i = 0; i < seconds.length; i++) {
      seconds[i] = costs.computeSeconds(i) + costs.memorySeconds(i);
      sum += seconds[i];
      compute += costs.computeSeconds(i);
      memory += costs.memorySeconds(i);
    }
    double scale = sum == 0 ? 0 : costs.totalSeconds(compute, memory) / sum;
    sum *= scale;
    for (int i = 0; i < seconds.length; i++) {
      seconds[i] *= scale;
    }
  }

  /**
   * @param sizes of the pieces, as of {@link PieceSizes}
   * @param slots pieces that are not of the tail
   * @param sharedTokens tokens that the order shares
   * @return the same order if nothing has to move
   */
  static PlannedOrder of(
      PlannedOrder order, OrderCosts costs, double[] sizes, int slots, long sharedTokens) {
    if (sizes.length <= slots || order.size() <= sizes.length) {
      return order;
    }
    return new ShortTail(order, costs).move(sizes, slots, (long) (LOST_SHARING * sharedTokens));
  }

  private PlannedOrder move(double[] sizes, int slots, long spareTokens) {
    double unit = 0;
    for (double size : sizes) {
      unit += size;
    }
    unit = sum / unit;
    double mean = 0;
    for (int i = 0; i < order.size(); i++) {
      mean += costs.aloneSeconds(i) / order.size();
    }
    double tail = 0;
    for (int i = slots; i < sizes.length; i++) {
      tail += sizes[i] * unit;
    }
    // From the end on: whatever is too long for the piece it lies in makes room for others.
    List<Integer> tooLong = new ArrayList<>();
    int piece = sizes.length - 1;
    double filled = 0;
    double seen = 0;
    int begin = order.size();
    while (begin > 1 && piece >= slots && seen < MOST_SEEN * tail) {
      begin--;
      seen += seconds[begin];
      if (costs.aloneSeconds(begin) > Math.max(LONG * mean, sizes[piece] * unit)) {
        tooLong.add(begin);
        continue;
      }
      filled += seconds[begin];
      if (filled >= MARGIN * sizes[piece] * unit) {
        filled -= MARGIN * sizes[piece] * unit;
        piece--;
      }
    }
    BitSet moved = affordable(tooLong, spareTokens);
    return moved.isEmpty() ? order : spread(moved, begin);
  }

  /** The longest of them, as far as sharing can be spared. */
  private BitSet affordable(List<Integer> positions, long spareTokens) {
    positions.sort(Comparator.comparingDouble(costs::aloneSeconds).reversed());
    // A request that leaves computes what it shares with a neighbour again, or the neighbour does.
    int[] shared = new int[order.size()];
    int[] last = {-1, -1};
    for (int i = 0; i < shared.length; i++) {
      int side = order.side(i).ordinal();
      if (last[side] >= 0) {
        int common = costs.commonTokens(last[side], i);
        shared[i] = common;
        shared[last[side]] = Math.max(shared[last[side]], common);
      }
      last[side] = i;
    }
    BitSet chosen = new BitSet();
    long spare = spareTokens;
    for (int position : positions) {
      if (shared[position] <= spare) {
        spare -= shared[position];
        chosen.set(position);
      }
    }
    return chosen;
  }

  private PlannedOrder spread(BitSet moved, int begin) {
    int n = order.size();
    int count = moved.cardinality();
    int[] requests = new int[n];
    BitSet memorySide = new BitSet(n);
    int out = 0;
    int at = 0;
    int next = moved.nextSetBit(0);
    for (int m = 0; m < count; m++) {
      int until = (int) ((long) begin * m / count);
      for (; at < until; at++) {
        out = put(at, requests, memorySide, out);
      }
      out = put(next, requests, memorySide, out);
      next = moved.nextSetBit(next + 1);
    }
    for (; at < n; at++) {
      if (!moved.get(at)) {
        out = put(at, requests, memorySide, out);
      }
    }
    List<String> notes = new ArrayList<>(order.notes());
    notes.add(
        String.format(
            Locale.ROOT,
            "%d requests that take longer than a late partition should were spread over the early"
                + " ones",
            count));
    return new PlannedOrder(order.policy(), requests, memorySide, notes);
  }

  private int put(int position, int[] requests, BitSet memorySide, int out) {
    requests[out] = order.request(position);
    memorySide.set(out, order.side(position) == Side.MEMORY);
    return out + 1;
  }
}
