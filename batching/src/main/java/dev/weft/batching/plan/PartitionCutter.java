package dev.weft.batching.plan;

import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.batching.request.Side;

/**
 * Cuts an order into contiguous pieces of given relative predicted times, along subtree borders.
 *
 * <p>The time of a piece is that of its sums, {@code T = max(C, M) + (1-w) min(C, M)}, the prefixes
 * it computes again included. It grows with every request, so for a given time the pieces can be
 * filled one after the other, and a binary search finds the time at which they come out as wanted.
 * Then each border moves, within {@link #TOLERANCE} of a piece, to where the fewest shared tokens
 * are lost.
 */
final class PartitionCutter {
  /** How far a border may move, as part of a piece's time. */
  private static final double TOLERANCE = 0.005;

  private static final int SEARCH_STEPS = 50;

  private final PlannedOrder order;
  private final OrderCosts costs;

  /** Sums of the positions before. */
  private final double[] compute;

  private final double[] memory;

  /** By side and position: the last position before it, or the first from it on, of that side. */
  private final int[][] before = new int[2][];

  private final int[][] after = new int[2][];

  PartitionCutter(PlannedOrder order, OrderCosts costs) {
    this.order = order;
    this.costs = costs;
    int n = order.size();
    compute = new double[n + 1];
    memory = new double[n + 1];
    for (int i = 0; i < n; i++) {
      compute[i + 1] = compute[i] + costs.computeSeconds(i);
      memory[i + 1] = memory[i] + costs.memorySeconds(i);
    }
    for (Side side : Side.values()) {
      int[] last = new int[n + 1];
      int[] first = new int[n + 1];
      last[0] = -1;
      first[n] = -1;
      for (int i = 0; i < n; i++) {
        last[i + 1] = order.side(i) == side ? i : last[i];
      }
      for (int i = n - 1; i >= 0; i--) {
        first[i] = order.side(i) == side ? i : first[i + 1];
      }
      before[side.ordinal()] = last;
      after[side.ordinal()] = first;
    }
  }

  /**
   * Borders of the pieces: {@code 0 = b_0 < b_1 < ... < b_k = size}, at most one piece for each
   * request.
   *
   * @param sizes times of the pieces, relative to each other
   */
  int[] cut(double[] sizes) {
    int n = order.size();
    int k = Math.max(1, Math.min(sizes.length, n));
    if (k == 1) {
      return new int[] {0, n};
    }
    double low = 0;
    double high = seconds(0, n);
    high /= sizes[k - 1];
    int[] borders = fill(k, high, sizes);
    for (int step = 0; step < SEARCH_STEPS; step++) {
      PlanningInterruptedException.check();
      double time = (low + high) / 2;
      int[] candidate = fill(k, time, sizes);
      if (seconds(candidate[k - 1], n) <= time * sizes[k - 1]) {
        high = time;
        borders = candidate;
      } else {
        low = time;
      }
    }
    for (int i = 1; i < k; i++) {
      double tolerance = high * TOLERANCE * Math.min(sizes[i - 1], sizes[i]);
      borders[i] = cheapest(borders[i], borders[i - 1] + 1, borders[i + 1] - 1, tolerance);
    }
    return borders;
  }

  /**
   * Fills {@code k - 1} pieces up to the given time for each unit of size, at least one request in
   * every piece.
   */
  private int[] fill(int k, double time, double[] sizes) {
    int n = order.size();
    int[] borders = new int[k + 1];
    for (int i = 1; i < k; i++) {
      int low = borders[i - 1] + 1;
      int high = n - (k - i);
      // The longest piece that stays within the time, one request if none does.
      while (low < high) {
        int middle = (low + high + 1) >>> 1;
        if (seconds(borders[i - 1], middle) <= time * sizes[i - 1]) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      borders[i] = low;
    }
    borders[k] = n;
    return borders;
  }

  private double seconds(int from, int to) {
    double again =
        costs.prefillSeconds(lost(from, Side.COMPUTE))
            + costs.prefillSeconds(lost(from, Side.MEMORY));
    return costs.totalSeconds(compute[to] - compute[from] + again, memory[to] - memory[from]);
  }

  private int cheapest(int border, int min, int max, double toleranceSeconds) {
    double t = time(border);
    int best = border;
    long bestLost = lost(border);
    for (int b = border - 1; b >= min && t - time(b) <= toleranceSeconds; b--) {
      long lost = lost(b);
      if (lost < bestLost) {
        best = b;
        bestLost = lost;
      }
    }
    for (int b = border + 1; b <= max && time(b) - t <= toleranceSeconds; b++) {
      long lost = lost(b);
      if (lost < bestLost || (lost == bestLost && b - border < border - best)) {
        best = b;
        bestLost = lost;
      }
    }
    return best;
  }

  private double time(int position) {
    return costs.totalSeconds(compute[position], memory[position]);
  }

  private long lost(int border) {
    return (long) lost(border, Side.COMPUTE) + lost(border, Side.MEMORY);
  }

  /** Tokens that one side shares across a border. */
  private int lost(int border, Side side) {
    int last = before[side.ordinal()][border];
    int first = after[side.ordinal()][border];
    return last < 0 || first < 0 ? 0 : costs.commonTokens(last, first);
  }
}
