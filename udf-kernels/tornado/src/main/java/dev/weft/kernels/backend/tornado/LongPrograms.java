package dev.weft.kernels.backend.tornado;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * Makes few programs of many blocks. One block, or two in turn, follow each other for all layers of
 * a model; so many of these rounds become one program that it still runs a whole number of times.
 * The same blocks always make the same programs.
 */
final class LongPrograms {
  /** Blocks of a layer: attention and the rest. */
  private static final int MOST_BLOCKS = 2;

  private LongPrograms() {}

  /**
   * Where to cut.
   *
   * @param blocks in their order; the same where they are equal
   * @param tasks of a block
   * @param mostTasks of a program, unless a block has more
   * @return how many of the blocks, from the first on, each program has
   */
  static <T> List<Integer> lengths(List<T> blocks, ToIntFunction<T> tasks, int mostTasks) {
    var lengths = new ArrayList<Integer>();
    int first = 0;
    while (first < blocks.size()) {
      int length = 1;
      int programs = 1;
      for (int round = 1; round <= MOST_BLOCKS; round++) {
        int rounds = rounds(blocks, first, round);
        if (rounds > 1) {
          int most = mostTasks / tasks(blocks.subList(first, first + round), tasks);
          int together = largestDivisor(rounds, most);
          // Where not even one round fits, its blocks stay alone.
          length = together > 0 ? together * round : 1;
          programs = rounds * round / length;
          break;
        }
      }
      for (int p = 0; p < programs; p++) {
        lengths.add(length);
        first += length;
      }
    }
    return lengths;
  }

  /** How often the blocks from {@code first} on follow each other. */
  private static <T> int rounds(List<T> blocks, int first, int round) {
    int end = first + round;
    while (end < blocks.size() && blocks.get(end).equals(blocks.get(end - round))) {
      end++;
    }
    return (Math.min(end, blocks.size()) - first) / round;
  }

  private static <T> int tasks(List<T> blocks, ToIntFunction<T> tasks) {
    return blocks.stream().mapToInt(tasks).sum();
  }

  /** At most {@code most}; 0 if that is 0. */
  private static int largestDivisor(int number, int most) {
    int divisor = Math.min(number, most);
    while (divisor > 1 && number % divisor != 0) {
      divisor--;
    }
    return divisor;
  }
}
