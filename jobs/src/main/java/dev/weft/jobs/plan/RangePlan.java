package dev.weft.jobs.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.request.Side;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.batching.tree.TreeResources;
import dev.weft.jobs.infer.PlannedRows;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * The planned order of one range, cut into slices that go to a partition as a whole. It stays on
 * the executors; the driver sees its slices.
 *
 * <p>Requests are held side by side: those of the compute side in the order of its walk, then those
 * of the memory side.
 *
 * @param rowKeys the requests
 * @param estimates expected output tokens of one answer of each
 * @param shares part of the seconds of its slice that each takes
 * @param slices contiguous pieces that cover the requests, in order
 * @param notes remarks of the policy
 */
record RangePlan(
    long[] rowKeys, int[] estimates, double[] shares, List<Slice> slices, List<String> notes)
    implements Serializable {

  /** Bits of a position that number the requests within one step of progress. */
  private static final int NUMBER_BITS = 22;

  private static final double PROGRESS_STEPS = 1L << 40;

  /** How far the border of a slice may move to where less is shared, as part of a slice. */
  private static final double TOLERANCE = 0.25;

  /**
   * A stretch of one side.
   *
   * @param memorySide which side
   * @param requests number of requests
   * @param promptTokens their prompt tokens
   * @param computedTokens those that must be computed, given the request before the slice
   * @param outputTokens expected output tokens
   * @param computeSeconds predicted compute time
   * @param memorySeconds predicted time of KV reads
   * @param sharedBefore tokens that its first request shares with the one before the slice
   */
  record Slice(
      boolean memorySide,
      int requests,
      long promptTokens,
      long computedTokens,
      long outputTokens,
      double computeSeconds,
      double memorySeconds,
      int sharedBefore)
      implements Serializable {}

  /**
   * Where a slice goes.
   *
   * @param partition partition of the inference stage
   * @param from progress of its side before it, as part of the whole side, 0 to 1
   * @param to progress of its side after it
   */
  record Place(int partition, double from, double to) implements Serializable {}

  /**
   * Plans the requests of a range.
   *
   * @param requests with expected output lengths; may be empty
   * @param density compute over memory seconds of the whole table
   * @param slicesPerSide wanted slices of each side
   */
  static RangePlan of(RequestTable requests, RangeSpec spec, double density, int slicesPerSide) {
    CostModel cost = spec.cost();
    PrefixTree tree = PrefixTree.build(requests.requests());
    PlannedOrder order =
        SchedulingPolicies.named(spec.policy())
            .orderPart(tree, cost, spec.limits().kvTokens(), density);
    return new Builder(requests, tree, order, cost).build(slicesPerSide);
  }

  /** Rows of {@link dev.weft.jobs.infer.PlannedRows#ASSIGNMENT_TYPE}. */
  Iterator<Row> rows(List<Place> places) {
    List<Iterator<Row>> parts = new ArrayList<>();
    int from = 0;
    for (int s = 0; s < slices.size(); s++) {
      parts.add(rows(slices.get(s), places.get(s), from));
      from += slices.get(s).requests();
    }
    Iterator<Iterator<Row>> left = parts.iterator();
    return new Iterator<>() {
      private Iterator<Row> open = List.<Row>of().iterator();

      @Override
      public boolean hasNext() {
        while (!open.hasNext() && left.hasNext()) {
          open = left.next();
        }
        return open.hasNext();
      }

      @Override
      public Row next() {
        hasNext();
        return open.next();
      }
    };
  }

  private Iterator<Row> rows(Slice slice, Place place, int from) {
    double[] progress = {place.from()};
    return IntStream.range(from, from + slice.requests())
        .mapToObj(
            i -> {
              long step = (long) (Math.clamp(progress[0], 0, 1) * PROGRESS_STEPS);
              progress[0] += shares[i] * (place.to() - place.from());
              long position = step << NUMBER_BITS | i & ((1 << NUMBER_BITS) - 1);
              return RowFactory.create(
                  rowKeys[i],
                  place.partition(),
                  position,
                  slice.memorySide() ? 1 : 0,
                  estimates[i],
                  PlannedRows.NO_LENGTHS);
            })
        .iterator();
  }

  /** Walks the sides of an order and sums up their slices. */
  private static final class Builder {
    private final RequestTable table;
    private final RequestSet requests;
    private final PlannedOrder order;
    private final CostModel cost;
    private final double[] memoryOf;
    private final List<Slice> slices = new ArrayList<>();
    private final long[] rowKeys;
    private final int[] estimates;
    private final double[] shares;
    private int filled;

    Builder(RequestTable table, PrefixTree tree, PlannedOrder order, CostModel cost) {
      this.table = table;
      this.order = order;
      this.cost = cost;
      requests = tree.requests();
      int n = requests.size();
      rowKeys = new long[n];
      estimates = new int[n];
      shares = new double[n];
      TreeResources resources = tree.resources(cost);
      memoryOf = new double[n];
      for (int p = 0; p < n; p++) {
        memoryOf[tree.requestAt(p)] = resources.requestMemorySeconds(p);
      }
    }

    RangePlan build(int slicesPerSide) {
      for (Side side : Side.values()) {
        slice(
            IntStream.range(0, order.size())
                .filter(i -> order.side(i) == side)
                .map(order::request)
                .toArray(),
            side == Side.MEMORY,
            slicesPerSide);
      }
      return new RangePlan(rowKeys, estimates, shares, slices, order.notes());
    }

    private void slice(int[] walk, boolean memorySide, int wanted) {
      int[] shared = new int[walk.length];
      double[] compute = new double[walk.length];
      double[] seconds = new double[walk.length + 1];
      for (int i = 0; i < walk.length; i++) {
        int r = walk[i];
        shared[i] = i == 0 ? 0 : requests.commonPrefix(walk[i - 1], r, 0);
        compute[i] =
            cost.computeSeconds(
                requests.promptTokens(r), shared[i], requests.estimatedOutputTokens(r));
        seconds[i + 1] = seconds[i] + compute[i] + memoryOf[r];
      }
      int from = 0;
      double each = seconds[walk.length] / wanted;
      while (from < walk.length) {
        int to = from + 1;
        while (to < walk.length && seconds[to] - seconds[from] < each) {
          to++;
        }
        to = least(shared, seconds, from, to, TOLERANCE * each);
        add(walk, shared, compute, from, to, memorySide);
        from = to;
      }
    }

    /** The border near {@code to} across which the least is shared. */
    private static int least(int[] shared, double[] seconds, int from, int to, double tolerance) {
      int best = to;
      for (int b = to; b > from + 1 && seconds[to] - seconds[b] <= tolerance; b--) {
        if (b < shared.length && (best == shared.length || shared[b] < shared[best])) {
          best = b;
        }
      }
      return best == shared.length || to == shared.length ? to : best;
    }

    private void add(
        int[] walk, int[] shared, double[] compute, int from, int to, boolean memorySide) {
      long prompt = 0;
      long computed = 0;
      long output = 0;
      double computeSum = 0;
      double memorySum = 0;
      int first = filled;
      for (int i = from; i < to; i++) {
        int r = walk[i];
        double memory = memoryOf[r];
        prompt += requests.promptTokens(r);
        computed += requests.promptTokens(r) - shared[i];
        output += requests.estimatedOutputTokens(r);
        computeSum += compute[i];
        memorySum += memory;
        shares[filled] = compute[i] + memory;
        rowKeys[filled] = table.rowKeys()[r];
        estimates[filled++] = requests.estimatedOutputTokens(r) / Math.max(1, table.answers()[r]);
      }
      double seconds = computeSum + memorySum;
      for (int i = first; i < filled; i++) {
        shares[i] = seconds == 0 ? 0 : shares[i] / seconds;
      }
      slices.add(
          new Slice(
              memorySide,
              to - from,
              prompt,
              computed,
              output,
              computeSum,
              memorySum,
              shared[from]));
    }
  }
}
