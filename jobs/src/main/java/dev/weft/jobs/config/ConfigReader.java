package dev.weft.jobs.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException.BadValue;
import com.typesafe.config.ConfigException.WrongType;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Reads typed values and checks their ranges. It remembers what it was asked for, so that the
 * documentation can tell each key's type and range without a second list.
 */
final class ConfigReader {
  /** The value by which a key leaves its number to Weft; read as 0. */
  static final String AUTO = "auto";

  private final Config config;
  private final Map<String, String> allowed = new LinkedHashMap<>();

  /** A reader of {@code config}, whose root holds the sections. */
  ConfigReader(Config config) {
    this.config = config;
  }

  /** What each key read so far may hold, in words. */
  Map<String, String> allowed() {
    return Map.copyOf(allowed);
  }

  String text(String key) {
    allowed.put(key, "text");
    return read(key, config::getString, "a text");
  }

  /** A text where {@code auto} is read as the empty text. */
  String textOrAuto(String key) {
    String text = text(key);
    allowed.put(key, "text or `auto`");
    return text.equals(AUTO) ? "" : text;
  }

  /** A list of texts; a single text is a list of one. */
  List<String> texts(String key) {
    allowed.put(key, "list of texts");
    if (config.getValue(key).valueType() == ConfigValueType.STRING) {
      String one = config.getString(key);
      return one.isBlank() ? List.of() : List.of(one);
    }
    return List.copyOf(read(key, config::getStringList, "a list of texts"));
  }

  boolean flag(String key) {
    allowed.put(key, "true or false");
    return read(key, config::getBoolean, "true or false");
  }

  int integer(String key, int min, int max) {
    return (int) wholeNumber(key, min, max);
  }

  /** As {@link #integer}, where {@code auto} is read as 0. */
  int integerOrAuto(String key, int min, int max) {
    String range = range(min, max) + " or `auto`";
    allowed.put(key, range);
    return isAuto(key) ? 0 : (int) wholeNumber(key, min, max, range);
  }

  long wholeNumber(String key, long min, long max) {
    String range = range(min, max);
    allowed.put(key, range);
    return wholeNumber(key, min, max, range);
  }

  /** As {@link #wholeNumber}, where {@code auto} is read as 0. */
  long wholeNumberOrAuto(String key, long min, long max) {
    String range = range(min, max) + " or `auto`";
    allowed.put(key, range);
    return isAuto(key) ? 0 : wholeNumber(key, min, max, range);
  }

  private long wholeNumber(String key, long min, long max, String range) {
    double value = read(key, config::getDouble, "a whole number, " + range);
    if (value != Math.rint(value)) {
      throw bad(key, "is not a whole number", "use " + range);
    }
    if (value < min || value > max) {
      throw bad(key, "is out of range", "use " + range);
    }
    return read(key, config::getLong, "a whole number, " + range);
  }

  /** Bytes, plain or with a unit. */
  long bytes(String key, long min, long max) {
    String range = size(min) + " to " + size(max);
    allowed.put(key, range);
    return bytes(key, min, max, range);
  }

  /** As {@link #bytes}, where {@code auto} is read as 0. */
  long bytesOrAuto(String key, long min, long max) {
    String range = size(min) + " to " + size(max) + " or `auto`";
    allowed.put(key, range);
    return isAuto(key) ? 0 : bytes(key, min, max, range);
  }

  private long bytes(String key, long min, long max, String range) {
    long value = read(key, config::getBytes, "a size such as 512KiB or 2GiB, " + range);
    if (value < min || value > max) {
      throw bad(key, "is out of range", "use " + range);
    }
    return value;
  }

  double number(String key, double min, double max) {
    allowed.put(key, plain(min) + " to " + plain(max));
    double value = read(key, config::getDouble, "a number");
    if (!(value >= min && value <= max)) {
      throw bad(key, "is out of range", "use " + plain(min) + " to " + plain(max));
    }
    return value;
  }

  /** One of an enum's constants, written in lower case. */
  <E extends Enum<E>> E choice(String key, Class<E> type) {
    List<String> names =
        Arrays.stream(type.getEnumConstants()).map(e -> e.name().toLowerCase(Locale.ROOT)).toList();
    return Enum.valueOf(type, name(key, names).toUpperCase(Locale.ROOT));
  }

  /** One of these names. */
  String name(String key, List<String> names) {
    allowed.put(key, names.stream().map(n -> "`" + n + "`").collect(Collectors.joining(", ")));
    String name = read(key, config::getString, "a name").toLowerCase(Locale.ROOT);
    if (!names.contains(name)) {
      throw bad(
          key, "is unknown" + Nearest.hint(name, names), "use one of " + String.join(", ", names));
    }
    return name;
  }

  private boolean isAuto(String key) {
    ConfigValue value = config.getValue(key);
    return value.valueType() == ConfigValueType.STRING && AUTO.equals(value.unwrapped());
  }

  private <T> T read(String key, Function<String, T> getter, String wanted) {
    try {
      return getter.apply(key);
    } catch (WrongType | BadValue e) {
      throw bad(key, "cannot be read", "use " + wanted);
    }
  }

  private ConfigException bad(String key, String problem, String fix) {
    ConfigValue value = config.getValue(key);
    return new ConfigException(
        "%s = %s (%s) %s; %s"
            .formatted(key, value.unwrapped(), value.origin().description(), problem, fix));
  }

  private static String range(long min, long max) {
    if (min == Long.MIN_VALUE) {
      return "whole number";
    }
    return max == Integer.MAX_VALUE || max == Long.MAX_VALUE
        ? "at least " + min
        : min + " to " + max;
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e9
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  static String size(long bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    while (unit < units.length - 1 && bytes >= 1024 && bytes % 1024 == 0) {
      bytes /= 1024;
      unit++;
    }
    return bytes + " " + units[unit];
  }
}
