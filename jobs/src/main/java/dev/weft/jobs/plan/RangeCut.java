package dev.weft.jobs.plan;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.Partition;
import dev.weft.batching.plan.PieceSizes;
import dev.weft.jobs.plan.RangePlan.Place;
import dev.weft.jobs.plan.RangePlan.Slice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The global cut of a plan of two levels: the slices of all ranges become partitions of equal
 * predicted time, or of the sizes of {@link PieceSizes} if there are more than run at once.
 *
 * <p>The compute sides of the ranges one after the other are one walk, the memory sides another.
 * Both are laid along the same axis of progress, on which the seconds of compute by which they are
 * out of balance with the density of the whole grow from nothing to all of it: any stretch of the
 * axis holds a piece of either walk, and the two pieces together have about the density of the
 * whole. The stretches are then cut by time, as on one level; each cut loses at most one path of
 * either walk.
 *
 * @param places where the slices of each range go
 * @param partitions what is promised of each partition
 * @param imbalance last over mean predicted end of the slots, minus 1
 * @param tokensLost shared tokens that partitions compute again because they begin within a range
 */
record RangeCut(
    List<List<Place>> places, List<Partition> partitions, double imbalance, long tokensLost) {
  private static final int SEARCH_STEPS = 60;

  /** A slice on the axis of progress. */
  private record Placed(int range, int index, Slice slice, double from, double to) {
    Placed over(double whole) {
      double unit = whole > 0 ? 1 / whole : 0;
      return new Placed(range, index, slice, from * unit, to * unit);
    }
  }

  /**
   * @param ranges slices of each range, in the order of ranges
   * @param wanted partitions to cut into; fewer come out if there are fewer slices
   * @param slots partitions that run at the same time
   */
  static RangeCut of(List<List<Slice>> ranges, CostModel cost, int wanted, int slots) {
    List<Placed> sequence = placed(ranges);
    sequence.sort(
        Comparator.comparingDouble(Placed::from)
            .thenComparing(p -> side(p.slice()))
            .thenComparing(Placed::range)
            .thenComparing(Placed::index));
    int pieces = Math.max(1, Math.min(wanted, sequence.size()));
    int[] borders = new Cutter(sequence, cost, PieceSizes.of(pieces, slots)).cut();

    List<List<Place>> places = new ArrayList<>();
    for (List<Slice> slices : ranges) {
      places.add(new ArrayList<>(slices.stream().map(s -> (Place) null).toList()));
    }
    List<Partition> partitions = new ArrayList<>();
    long lost = 0;
    int position = 0;
    for (int p = 0; p + 1 < borders.length; p++) {
      Sums sums = new Sums(cost);
      for (Placed placed : sequence.subList(borders[p], borders[p + 1])) {
        sums.add(placed.slice());
        places.get(placed.range()).set(placed.index(), new Place(p, placed.from(), placed.to()));
      }
      lost += sums.again;
      partitions.add(sums.partition(position));
      position += sums.requests;
    }
    double[] seconds = partitions.stream().mapToDouble(Partition::totalSeconds).toArray();
    double imbalance = PieceSizes.imbalance(PieceSizes.finishSeconds(seconds, slots));
    return new RangeCut(places, partitions, imbalance, lost);
  }

  /** Lays the slices of both sides along their axes. */
  private static List<Placed> placed(List<List<Slice>> ranges) {
    double[] compute = new double[2];
    double[] memory = new double[2];
    for (List<Slice> slices : ranges) {
      for (Slice slice : slices) {
        compute[side(slice)] += slice.computeSeconds();
        memory[side(slice)] += slice.memorySeconds();
      }
    }
    boolean sided = compute[0] + memory[0] > 0 && compute[1] + memory[1] > 0;
    double density = (compute[0] + compute[1]) / (memory[0] + memory[1]);
    List<Placed> sequence = new ArrayList<>();
    double[] sum = new double[2];
    double[] most = new double[2];
    for (int r = 0; r < ranges.size(); r++) {
      for (int i = 0; i < ranges.get(r).size(); i++) {
        Slice slice = ranges.get(r).get(i);
        int side = side(slice);
        double imbalance = slice.computeSeconds() - density * slice.memorySeconds();
        double from = most[side];
        sum[side] +=
            sided
                ? (side == 0 ? imbalance : -imbalance)
                : slice.computeSeconds() + slice.memorySeconds();
        // A slice that leans the other way adds nothing until others have made up for it.
        most[side] = Math.max(most[side], sum[side]);
        sequence.add(new Placed(r, i, slice, from, most[side]));
      }
    }
    sequence.replaceAll(p -> p.over(most[side(p.slice())]));
    return sequence;
  }

  private static int side(Slice slice) {
    return slice.memorySide() ? 1 : 0;
  }

  /** Sums of a partition, the prefixes that it computes again at its start included. */
  private static final class Sums {
    private final CostModel cost;
    private final boolean[] begun = new boolean[2];
    private int requests;
    private long prompt;
    private long computed;
    private long output;
    private long again;
    private double compute;
    private double memory;

    Sums(CostModel cost) {
      this.cost = cost;
    }

    void add(Slice slice) {
      if (!begun[side(slice)]) {
        begun[side(slice)] = true;
        again += slice.sharedBefore();
        computed += slice.sharedBefore();
        compute += cost.prefillSeconds(0, slice.sharedBefore());
      }
      requests += slice.requests();
      prompt += slice.promptTokens();
      computed += slice.computedTokens();
      output += slice.outputTokens();
      compute += slice.computeSeconds();
      memory += slice.memorySeconds();
    }

    double seconds() {
      return cost.totalSeconds(compute, memory);
    }

    Partition partition(int from) {
      return new Partition(
          from, from + requests, prompt, computed, output, compute, memory, seconds());
    }
  }

  /** Fills partitions one after the other up to a time, and searches the time that fits. */
  private record Cutter(List<Placed> sequence, CostModel cost, double[] sizes) {
    int[] cut() {
      int k = sizes.length;
      double low = 0;
      double high = 0;
      for (Placed placed : sequence) {
        Sums alone = new Sums(cost);
        alone.add(placed.slice());
        high += alone.seconds();
      }
      high /= sizes[k - 1];
      int[] best = fill(k, high);
      for (int step = 0; step < SEARCH_STEPS && k > 1; step++) {
        double middle = (low + high) / 2;
        int[] borders = fill(k, middle);
        if (longest(borders) <= middle) {
          high = middle;
          best = borders;
        } else {
          low = middle;
        }
      }
      return best;
    }

    /** Borders {@code 0 = b_0 < ... < b_k = n}: every partition has a slice, the last the rest. */
    private int[] fill(int k, double seconds) {
      int n = sequence.size();
      int[] borders = new int[k + 1];
      int at = 0;
      for (int p = 0; p < k; p++) {
        int most = n - (k - 1 - p);
        Sums sums = new Sums(cost);
        int from = at;
        while (at < most) {
          sums.add(sequence.get(at).slice());
          if (at > from && p < k - 1 && sums.seconds() > seconds * sizes[p]) {
            break;
          }
          at++;
        }
        borders[p + 1] = at;
      }
      borders[k] = n;
      return borders;
    }

    /** Longest time of a partition for each unit of its size. */
    private double longest(int[] borders) {
      double longest = 0;
      for (int p = 0; p + 1 < borders.length; p++) {
        Sums sums = new Sums(cost);
        sequence.subList(borders[p], borders[p + 1]).forEach(s -> sums.add(s.slice()));
        longest = Math.max(longest, sums.seconds() / sizes[p]);
      }
      return longest;
    }
  }
}
