package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Function;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.Namespace;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions every template can call. */
final class Builtins {
  /** By name; a template's own variables hide them. */
  static final Map<String, Value> GLOBALS =
      Map.of(
          "range", new Function("range", Builtins::range),
          "namespace", new Function("namespace", Builtins::namespace),
          "dict", new Function("dict", (run, arguments) -> dict(run, arguments)),
          "raise_exception", new Function("raise_exception", Builtins::raise),
          "strftime_now", new Function("strftime_now", Builtins::strftimeNow));

  private static final int STEPS_PER_CONVERSION = 20;

  private Builtins() {}

  /** The value as an integer; a real number is refused as Python refuses it. */
  static long integer(Run run, Value value, String user) {
    Long integer = Operators.asLong(value);
    if (integer == null) {
      throw run.error(user + " needs an integer, not " + value.typeName());
    }
    return integer;
  }

  static Dict dictOf(Run run, Map<String, Value> named) {
    LinkedHashMap<Object, Value.Entry> entries = new LinkedHashMap<>();
    named.forEach((name, value) -> entries.put(name, new Value.Entry(Text.trusted(name), value)));
    return run.dict(entries);
  }

  private static Value range(Run run, Arguments arguments) {
    Value[] a = arguments.bindRequired(run, 1, "range", "start", "stop", "step");
    long start = a[1] == null ? 0 : integer(run, a[0], "range");
    long stop = integer(run, a[1] == null ? a[0] : a[1], "range");
    long step = a[2] == null ? 1 : integer(run, a[2], "range");
    if (step == 0) {
      throw run.error("range's step cannot be zero");
    }
    if ((step > 0) == (start >= stop)) {
      return run.list(List.of());
    }
    long distance = step > 0 ? stop - start : start - stop;
    // A distance beyond 64 bits shows as a negative number.
    long length =
        distance < 0
            ? Long.MAX_VALUE
            : step == Long.MIN_VALUE ? 1 : (distance - 1) / Math.abs(step) + 1;
    run.checkRange(length);
    run.chargeElements(length);
    List<Value> numbers = new ArrayList<>((int) length);
    for (int i = 0; i < length; i++) {
      numbers.add(new Int(start + i * step));
    }
    return run.list(numbers);
  }

  private static Value dict(Run run, Arguments arguments) {
    LinkedHashMap<Object, Value.Entry> entries = new LinkedHashMap<>();
    for (Value value : arguments.positional()) {
      if (!(value instanceof Dict other)) {
        throw run.error("dict() takes a dict and named arguments");
      }
      entries.putAll(other.entries());
    }
    entries.putAll(dictOf(run, arguments.named()).entries());
    return run.dict(entries);
  }

  private static Value namespace(Run run, Arguments arguments) {
    Map<String, Value> attributes = new HashMap<>();
    for (Value.Entry entry : ((Dict) dict(run, arguments)).entries().values()) {
      attributes.put(Printer.str(run, entry.key()).chars(), entry.value());
    }
    return new Namespace(attributes);
  }

  private static Value raise(Run run, Arguments arguments) {
    Value message = arguments.bindRequired(run, 1, "raise_exception", "message")[0];
    throw run.rejected(Printer.str(run, message).chars());
  }

  /** The run's date as C's strftime shows it; the time of day is midnight. */
  private static Value strftimeNow(Run run, Arguments arguments) {
    Value format = arguments.bindRequired(run, 1, "strftime_now", "format")[0];
    String pattern = Printer.str(run, format).chars();
    TextBuilder out = new TextBuilder(run);
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      if (c != '%' || i + 1 == pattern.length()) {
        out.append(String.valueOf(c));
        continue;
      }
      boolean unpadded = pattern.charAt(i + 1) == '-' && i + 2 < pattern.length();
      i += unpadded ? 2 : 1;
      run.charge(STEPS_PER_CONVERSION);
      String shown = conversion(run.date(), pattern.charAt(i));
      if (shown == null) {
        throw run.error("strftime_now does not know '%" + pattern.charAt(i) + "'");
      }
      out.append(unpadded ? shown.replaceFirst("^[0 ]+(?=.)", "") : shown);
    }
    return out.build();
  }

  private static String conversion(LocalDate date, char conversion) {
    String pattern =
        switch (conversion) {
          case 'Y' -> "uuuu";
          case 'y' -> "uu";
          case 'm' -> "MM";
          case 'd' -> "dd";
          case 'e' -> "ppd";
          case 'j' -> "DDD";
          case 'B' -> "MMMM";
          case 'b', 'h' -> "MMM";
          case 'A' -> "EEEE";
          case 'a' -> "EEE";
          case 'F' -> "uuuu-MM-dd";
          case 'D' -> "MM/dd/uu";
          case 'H', 'M', 'S', 'k', 'l', 'I', 'p', 'T', 'R', 'Z', 'z', '%' -> null;
          default -> "";
        };
    if (pattern == null) {
      return switch (conversion) {
        case '%' -> "%";
        case 'T' -> "00:00:00";
        case 'R' -> "00:00";
        case 'I', 'l' -> "12";
        case 'p' -> "AM";
        case 'k' -> " 0";
        case 'Z', 'z' -> "";
        default -> "00";
      };
    }
    return pattern.isEmpty()
        ? null
        : date.format(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH));
  }
}
