package dev.weft.benchmarks.measure;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Measures taken in turns, so that a busy moment of the machine falls on all of them. Every other
 * round goes backwards: what one leaves behind, warm caches or hot cores, is not always for the
 * same one.
 */
public final class Rounds {
  /** Takes one value. */
  @FunctionalInterface
  public interface Measure {
    double take() throws PeerException, InterruptedException;
  }

  private final Map<String, Measure> measures = new LinkedHashMap<>();

  /** Of {@link System#nanoTime}. */
  public static double secondsSince(long nanos) {
    return Math.max(1, System.nanoTime() - nanos) / 1e9;
  }

  public Rounds add(String name, Measure measure) {
    if (measures.put(name, measure) != null) {
      throw new IllegalArgumentException("two measures are called " + name);
    }
    return this;
  }

  /**
   * Takes all values.
   *
   * @param warmUp rounds whose values are not kept
   * @return a series for each name
   */
  public Map<String, Series> run(int warmUp, int repetitions)
      throws PeerException, InterruptedException {
    String[] names = measures.keySet().toArray(String[]::new);
    double[][] values = new double[names.length][repetitions];
    for (int round = -warmUp; round < repetitions; round++) {
      for (int i = 0; i < names.length; i++) {
        int m = (round & 1) == 0 ? i : names.length - 1 - i;
        double value = measures.get(names[m]).take();
        if (round >= 0) {
          values[m][round] = value;
        }
      }
    }
    Map<String, Series> series = new LinkedHashMap<>();
    for (int i = 0; i < names.length; i++) {
      series.put(names[i], new Series(values[i]));
    }
    return series;
  }
}
