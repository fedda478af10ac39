package dev.weft.jobs.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds what a person may have meant. */
public final class Nearest {

  private Nearest() {}

  /** The known name closest to {@code name}, if any is close enough to be a slip of the fingers. */
  public static Optional<String> to(String name, Collection<String> known) {
    String wanted = plain(name);
    return known.stream()
        .filter(
            k ->
                distance(wanted, plain(k))
                    <= Math.max(2, Math.min(wanted.length(), k.length()) / 3))
        .min(
            Comparator.<String>comparingInt(k -> distance(wanted, plain(k))).thenComparing(k -> k));
  }

  /** {@code "; did you mean x?"}, or nothing. */
  public static String hint(String name, Collection<String> known) {
    return to(name, known).map(k -> "; did you mean " + k + "?").orElse("");
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
  }

  /** Edits (insert, delete, replace) between two names. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replace, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
