package dev.weft.jobs.state;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a run computes: everything that its answers depend on. Written once, when the run begins; a
 * later start must compute the same.
 *
 * @param runId the run
 * @param createdAt ISO-8601 instant of its first start; templates see its date
 * @param computes settings by name
 */
public record Manifest(String runId, String createdAt, SortedMap<String, String> computes) {
  public Manifest {
    computes = new TreeMap<>(computes);
  }

  /** The date that templates see. */
  @JsonIgnore
  public String templateDate() {
    return createdAt.substring(0, 10);
  }

  /**
   * Checks that another start computes the same.
   *
   * @throws WeftException naming every setting that differs
   */
  public void requireSame(Map<String, String> others) {
    TreeSet<String> keys = new TreeSet<>(computes.keySet());
    keys.addAll(others.keySet());
    List<String> differences = new ArrayList<>();
    for (String key : keys) {
      String mine = computes.getOrDefault(key, "nothing");
      String other = others.getOrDefault(key, "nothing");
      if (!mine.equals(other)) {
        differences.add("%s: the run has %s, this start %s".formatted(key, mine, other));
      }
    }
    if (!differences.isEmpty()) {
      throw new WeftException(
          ErrorCode.RUN_SETTINGS_DIFFER,
          "run %s computes something else%n  %s"
              .formatted(runId, String.join(System.lineSeparator() + "  ", differences)));
    }
  }

  /** A name for a run that computes this, the same for the same settings. */
  public static String idOf(Map<String, String> computes) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(computes).forEach((k, v) -> text.append(k).append('=').append(v).append('\n'));
    return "run-" + sha256(text.toString()).substring(0, 12);
  }

  /** SHA-256 of a text in UTF-8, hex. */
  public static String sha256(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
