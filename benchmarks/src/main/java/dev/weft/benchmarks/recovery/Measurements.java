package dev.weft.benchmarks.recovery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.jobs.config.BuildInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Measurements as one JSON object per line, printed and appended to a file as soon as they are
 * known: these runs are long, and what was measured before an end by force stays.
 */
final class Measurements {
  private static final JsonMapper JSON = new JsonMapper();

  private final Path file;
  private final Map<String, Object> common = new LinkedHashMap<>();

  /**
   * @param file where lines go; null for nowhere but the output
   */
  Measurements(Path file, long seed) throws IOException {
    this.file = file;
    common.put("seed", seed);
    common.put("commit", BuildInfo.commit());
    common.put(
        "device",
        String.format(
            Locale.ROOT,
            "%s, %d cores, Java %s",
            cpu(),
            Runtime.getRuntime().availableProcessors(),
            Runtime.version()));
    if (file != null && file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
  }

  /**
   * Adds a measurement.
   *
   * @param more further fields by name
   */
  void add(String name, double value, String unit, Map<String, ?> more) throws IOException {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("name", name);
    if (Double.isFinite(value) && value == Math.rint(value) && Math.abs(value) < 1e15) {
      line.put("value", (long) value);
    } else {
      line.put("value", Double.isFinite(value) ? value : null);
    }
    line.put("unit", unit);
    line.putAll(more);
    line.putAll(common);
    String text = JSON.writeValueAsString(line);
    System.out.println(text);
    if (file != null) {
      Files.writeString(
          file,
          text + System.lineSeparator(),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    }
  }

  private static String cpu() throws IOException {
    Path info = Path.of("/proc/cpuinfo");
    if (Files.isReadable(info)) {
      for (String line : Files.readAllLines(info)) {
        if (line.startsWith("model name")) {
          return line.substring(line.indexOf(':') + 1).strip();
        }
      }
    }
    return System.getProperty("os.arch");
  }
}
