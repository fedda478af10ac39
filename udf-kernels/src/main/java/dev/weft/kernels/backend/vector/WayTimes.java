package dev.weft.kernels.backend.vector;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How long both ways through the weights take for 1, 2, 3, ... tokens.
 *
 * @param atOnce nanoseconds of multiplying while decoding; {@code [i]} for {@code i + 1} tokens
 * @param tiles nanoseconds of decoding to tiles first, for as many
 */
record WayTimes(long[] atOnce, long[] tiles) {
  /** A way must save this part of the other's time to be taken where the other one is usual. */
  private static final double NOISE = 0.03;

  WayTimes {
    if (atOnce.length != tiles.length || atOnce.length == 0) {
      throw new IllegalArgumentException(
          "times of " + atOnce.length + " and " + tiles.length + " tokens");
    }
  }

  /**
   * @param pairs at once and in tiles; {@code [i]} for {@code i + 1} tokens
   */
  static WayTimes of(PairedTimes.Pair... pairs) {
    return new WayTimes(
        Stream.of(pairs).mapToLong(PairedTimes.Pair::first).toArray(),
        Stream.of(pairs).mapToLong(PairedTimes.Pair::second).toArray());
  }

  /**
   * Up to how many tokens are best multiplied while decoding: the usual number, moved for as long
   * as the next number of tokens is clearly faster the other way. One token always is: a tile would
   * be written to be read once, and what seems faster was measured badly.
   *
   * @param usual what is taken where both ways are about as fast
   */
  int mostAtOnce(int usual) {
    int most = Math.min(usual, atOnce.length);
    while (most < atOnce.length && clearlyFaster(atOnce[most], tiles[most])) {
      most++;
    }
    if (most > usual) {
      return most;
    }
    while (most > 1 && clearlyFaster(tiles[most - 1], atOnce[most - 1])) {
      most--;
    }
    return most;
  }

  private static boolean clearlyFaster(long nanos, long than) {
    return nanos < than * (1 - NOISE);
  }

  /** Microseconds, at once against tiles, for one token and more. */
  @Override
  public String toString() {
    return IntStream.range(0, atOnce.length)
        .mapToObj(i -> String.format(Locale.ROOT, "%.1f/%.1f", atOnce[i] / 1e3, tiles[i] / 1e3))
        .collect(Collectors.joining(", "));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WayTimes times
        && Arrays.equals(atOnce, times.atOnce)
        && Arrays.equals(tiles, times.tiles);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(atOnce) + Arrays.hashCode(tiles);
  }
}
