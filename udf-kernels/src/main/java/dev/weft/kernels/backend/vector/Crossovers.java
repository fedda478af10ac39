package dev.weft.kernels.backend.vector;

import dev.weft.kernels.quant.QuantFormat;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Up to how many tokens of each format are multiplied while weights are decoded: measured once for
 * a machine, known to all engines of a process. No bit of an answer depends on it.
 */
final class Crossovers {
  private static final Logger LOG = LoggerFactory.getLogger(Crossovers.class);

  /** What this process knows; of a format that did not settle, the usual. */
  private static final Map<QuantFormat, Integer> KNOWN = new EnumMap<>(QuantFormat.class);

  private Crossovers() {}

  /**
   * The numbers of all formats that have both ways.
   *
   * @param folder where they are kept; null for nowhere
   */
  static synchronized Map<PackedFormat, Integer> of(Set<QuantFormat> formats, Path folder) {
    var numbers = new HashMap<PackedFormat, Integer>();
    for (QuantFormat format : formats) {
      PackedFormat packed = PackedMatrix.formatOf(format);
      if (packed.multipliesRows()) {
        numbers.put(packed, KNOWN.computeIfAbsent(format, f -> find(f, folder)));
      }
    }
    return numbers;
  }

  /** Reads or measures the number of a format. */
  static int find(QuantFormat format, Path folder) {
    CrossoverFile file = folder == null ? null : CrossoverFile.of(folder, format);
    OptionalInt kept = file == null ? OptionalInt.empty() : file.read();
    if (kept.isPresent()) {
      LOG.info(
          "{}: up to {} tokens are multiplied at once ({})",
          format,
          kept.getAsInt(),
          file.path().getFileName());
      return kept.getAsInt();
    }
    long start = System.nanoTime();
    Optional<WayTimes> times = WayTuner.measure(format);
    String seconds = String.format(Locale.ROOT, "%.2f", (System.nanoTime() - start) * 1e-9);
    if (times.isEmpty()) {
      LOG.warn(
          "{}: up to {} tokens are multiplied at once, as usual: the times of kernels did not settle"
              + " in {} s; they are measured again by the next process",
          format,
          Matmul.AT_ONCE,
          seconds);
      return Matmul.AT_ONCE;
    }
    int tokens = times.get().mostAtOnce(Matmul.AT_ONCE);
    LOG.info(
        "{}: up to {} tokens are multiplied at once; measured in {} s, microseconds at once/in tiles"
            + " for one token and more: {}",
        format,
        tokens,
        seconds,
        times.get());
    if (file != null) {
      file.write(tokens, times.get());
    }
    return tokens;
  }
}
