package dev.weft.jobs.report;

import java.util.Locale;

/** Numbers as people read them, always with their unit. What is not known is a dash. */
public final class Format {
  static final String UNKNOWN = "–";

  private Format() {}

  /** {@code 1,234,567}. */
  public static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** {@code "1 row"}, {@code "2,000 rows"}. */
  public static String count(long value, String noun) {
    return count(value) + " " + noun + (value == 1 ? "" : "s");
  }

  /** Three significant digits with k, M, G, T: {@code 950}, {@code 1.23k}, {@code 45.6M}. */
  public static String compact(double value) {
    if (!Double.isFinite(value)) {
      return UNKNOWN;
    }
    double size = Math.abs(value);
    String[] suffixes = {"", "k", "M", "G", "T", "P", "E"};
    int unit = 0;
    while (size >= 999.5 && unit < suffixes.length - 1) {
      size /= 1000;
      value /= 1000;
      unit++;
    }
    return size >= 1e6 ? String.format(Locale.ROOT, "%.3g", value) : digits(value) + suffixes[unit];
  }

  /** {@code 45.6 GFLOP/s}. */
  public static String perSecond(double value, String unit) {
    String text = compact(value);
    boolean prefixed = Character.isLetter(text.charAt(text.length() - 1));
    return prefixed
        ? text.substring(0, text.length() - 1) + " " + text.charAt(text.length() - 1) + unit + "/s"
        : text + " " + unit + "/s";
  }

  /** {@code 71.3%} of a share between 0 and 1. Only 1 itself is shown as 100%. */
  public static String percent(double share) {
    if (!Double.isFinite(share)) {
      return UNKNOWN;
    }
    double tenths = share < 1 ? Math.min(999, Math.round(share * 1000)) : Math.round(share * 1000);
    return String.format(Locale.ROOT, "%.1f%%", tenths / 10);
  }

  /** A ratio of three significant digits; {@code ∞} where nothing is read. */
  static String density(double value) {
    return value == Double.POSITIVE_INFINITY ? "∞" : compact(value);
  }

  /** {@code 75%}. */
  static String wholePercent(double share) {
    return Math.round(share * 100) + "%";
  }

  /** {@code 0.43 s}, {@code 12.3 s}, {@code 2m 05s}, {@code 3h 07m}, {@code 4d 02h}. */
  public static String seconds(double seconds) {
    if (!Double.isFinite(seconds) || seconds < 0) {
      return UNKNOWN;
    }
    if (seconds < 0.9995) {
      return seconds == 0 ? "0 s" : digits(seconds * 1000) + " ms";
    }
    if (seconds < 59.95) {
      return digits(seconds) + " s";
    }
    if (seconds >= 1e9) {
      return compact(seconds / 86_400) + " days";
    }
    long whole = Math.round(seconds);
    if (whole < 3600) {
      return String.format(Locale.ROOT, "%dm %02ds", whole / 60, whole % 60);
    }
    long minutes = whole / 60;
    return minutes < 48 * 60
        ? String.format(Locale.ROOT, "%dh %02dm", minutes / 60, minutes % 60)
        : String.format(Locale.ROOT, "%dd %02dh", minutes / 1440, minutes / 60 % 24);
  }

  /**
   * A tick of a time axis that ends at {@code end} seconds: {@code 2.5 s}, {@code 1:30}, {@code
   * 2:15 h}, {@code 3 d}.
   */
  static String clock(double seconds, double end) {
    if (end <= 60) {
      return seconds == 0 ? "0" : digits(seconds) + " s";
    }
    long whole = Math.round(seconds);
    if (end < 3600) {
      return String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60);
    }
    return end < 4 * 86_400
        ? String.format(Locale.ROOT, "%d:%02d h", whole / 3600, whole / 60 % 60)
        : compact(whole / 86_400.0) + " d";
  }

  /** {@code 7.43 MiB}. */
  public static String bytes(double bytes) {
    if (!Double.isFinite(bytes) || bytes < 0) {
      return UNKNOWN;
    }
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int unit = 0;
    while (bytes >= 1023.5 && unit < units.length - 1) {
      bytes /= 1024;
      unit++;
    }
    return (unit == 0 ? Long.toString((long) bytes) : digits(bytes)) + " " + units[unit];
  }

  /** {@code 12.3 mJ}, {@code 4.56 J}, {@code 7.89 kJ}, {@code 1.2 kWh} from 3.6 MJ on. */
  public static String joules(double joules) {
    if (!Double.isFinite(joules)) {
      return UNKNOWN;
    }
    if (joules >= 3.6e6) {
      return compact(joules / 3.6e6) + " kWh";
    }
    if (joules >= 999.5) {
      return digits(joules / 1000) + " kJ";
    }
    if (joules >= 0.9995 || joules == 0) {
      return digits(joules) + " J";
    }
    return joules >= 0.0009995 ? digits(joules * 1e3) + " mJ" : digits(joules * 1e6) + " µJ";
  }

  /** {@code 0.0123 EUR}, or a dash without a price. */
  public static String money(double money, String currency) {
    return Double.isFinite(money)
        ? (money != 0 && Math.abs(money) < 0.01
                ? String.format(Locale.ROOT, "%.2g", money)
                : String.format(Locale.ROOT, "%,.2f", money))
            + (currency.isBlank() ? "" : " " + currency)
        : UNKNOWN;
  }

  /** Three significant digits without an exponent for sizes from 0.001 on. */
  static String digits(double value) {
    double size = Math.abs(value);
    if (size != 0 && size < 0.001) {
      return String.format(Locale.ROOT, "%.1e", value);
    }
    int decimals = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
    return decimals > 0 ? text.replaceFirst("\\.?0+$", "") : text;
  }
}
