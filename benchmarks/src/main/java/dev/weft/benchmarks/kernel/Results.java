package dev.weft.benchmarks.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Measurements as one JSON object per line. */
final class Results {
  private final List<String> lines = new ArrayList<>();
  private final String device;
  private final long seed;

  Results(String device, long seed) {
    this.device = device;
    this.seed = seed;
  }

  /**
   * Adds a measurement against a baseline of the same run.
   *
   * @param values of the interleaved repetitions; the median counts
   * @param baselines what to compare with, more is better for both; empty for none
   */
  void add(
      String name,
      double[] values,
      String unit,
      String baseline,
      double[] baselines,
      String workload) {
    double value = median(values);
    double ratio = baselines.length == 0 ? Double.NaN : value / median(baselines);
    String line =
        String.format(
            Locale.ROOT,
            "{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"baseline\":\"%s\",\"ratio\":%s,"
                + "\"spread\":%.3f,\"repetitions\":%d,\"workload\":\"%s\",\"device\":\"%s\","
                + "\"seed\":%d}",
            name,
            value,
            unit,
            baseline,
            Double.isNaN(ratio) ? "null" : String.format(Locale.ROOT, "%.4g", ratio),
            spread(values),
            values.length,
            workload,
            device,
            seed);
    lines.add(line);
    System.out.println(line);
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Half the distance between the quartiles over the median. */
  private static double spread(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return (sorted[sorted.length * 3 / 4] - sorted[sorted.length / 4]) / (2 * median(values));
  }

  /** Appends the lines to a file. */
  void write(Path file) throws IOException {
    if (file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
    Files.write(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
