package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Cpu;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps up to how many tokens of a format are best multiplied at once on one kind of machine: lines
 * of text, first those of {@code key}, which name all that the number depends on.
 */
record CrossoverFile(Path path, String key) {
  /** Another one where kernels or layouts become faster or slower. */
  private static final int VERSION = 3;

  private static final Pattern MEASURED = Pattern.compile("tokens ([0-9])\nmicroseconds [^\n]+\n");
  private static final Logger LOG = LoggerFactory.getLogger(CrossoverFile.class);

  /** The file of a format on this machine; each format has its own, so that none is lost. */
  static CrossoverFile of(Path folder, QuantFormat format) {
    String cpu = Cpu.name();
    int bits = Lanes.COUNT * Float.SIZE;
    String name = "crossover-%s-%s-%d.txt".formatted(format, cpu, bits);
    return new CrossoverFile(
        folder.resolve(name.replaceAll("[^A-Za-z0-9_.]+", "-")),
        "version %d\nprocessor %s\nvector bits %d\njava %s\nformat %s\n"
            .formatted(
                VERSION, cpu, bits, ManagementFactory.getRuntimeMXBean().getVmVersion(), format));
  }

  /** What is kept, unless there is nothing or it is of no use, which is logged. */
  OptionalInt read() {
    if (!Files.exists(path)) {
      return OptionalInt.empty();
    }
    try {
      String text = Files.readString(path);
      if (!text.startsWith(key)) {
        LOG.warn("{} is of another machine, Java or version; kernels are measured again", path);
        return OptionalInt.empty();
      }
      Matcher measured = MEASURED.matcher(text.substring(key.length()));
      int tokens = measured.matches() ? Integer.parseInt(measured.group(1)) : Integer.MAX_VALUE;
      if (tokens <= WayTuner.MOST) {
        return OptionalInt.of(tokens);
      }
      LOG.warn("{} is damaged; kernels are measured again", path);
    } catch (IOException e) {
      LOG.warn("{} cannot be read, kernels are measured again: {}", path, e.toString());
    }
    return OptionalInt.empty();
  }

  /** Keeps what was measured; where that cannot be done, this is logged. */
  void write(int tokens, WayTimes times) {
    try {
      Files.createDirectories(path.getParent());
      Path aside = Files.createTempFile(path.getParent(), "crossover", ".tmp");
      try {
        Files.writeString(aside, key + "tokens %d\nmicroseconds %s\n".formatted(tokens, times));
        Files.move(
            aside, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(aside);
      }
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be written, kernels are measured at the next start too: {}",
          path,
          e.toString());
    }
  }
}
