package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.None;
import dev.weft.kernels.template.Value.Real;
import dev.weft.kernels.template.Value.Undefined;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The filters by name. Those of sequences are in {@link SeqFilters}. */
final class Filters {
  /** Makes a value from another. */
  interface Filter {
    Value apply(Run run, Value input, Arguments arguments);
  }

  private static final Map<String, Filter> BY_NAME =
      Map.ofEntries(
          Map.entry("abs", Filters::abs),
          Map.entry("capitalize", (r, v, a) -> TextMethods.capitalize(r, Printer.str(r, v))),
          Map.entry("count", Filters::length),
          Map.entry("d", Filters::defaultTo),
          Map.entry("default", Filters::defaultTo),
          Map.entry("dictsort", SeqFilters::dictsort),
          Map.entry("e", Filters::escape),
          Map.entry("escape", Filters::escape),
          Map.entry("first", SeqFilters::first),
          Map.entry("float", Filters::toFloat),
          Map.entry("format", Filters::format),
          Map.entry("indent", Filters::indent),
          Map.entry("int", Filters::toInt),
          Map.entry("items", Filters::items),
          Map.entry("join", SeqFilters::join),
          Map.entry("last", SeqFilters::last),
          Map.entry("length", Filters::length),
          Map.entry("list", (r, v, a) -> r.list(Operators.iterate(r, v))),
          Map.entry(
              "lower",
              (r, v, a) -> TextMethods.map(r, Printer.str(r, v), s -> s.toLowerCase(Locale.ROOT))),
          Map.entry("map", SeqFilters::map),
          Map.entry("max", (r, v, a) -> SeqFilters.extreme(r, v, a, "max")),
          Map.entry("min", (r, v, a) -> SeqFilters.extreme(r, v, a, "min")),
          Map.entry("reject", (r, v, a) -> SeqFilters.select(r, v, a, false)),
          Map.entry("rejectattr", (r, v, a) -> SeqFilters.selectAttribute(r, v, a, false)),
          Map.entry("replace", Filters::replace),
          Map.entry("reverse", SeqFilters::reverse),
          Map.entry("round", Filters::round),
          // Nothing is escaped unless asked for, so there is nothing to mark as safe.
          Map.entry("safe", (r, v, a) -> Printer.str(r, v)),
          Map.entry("select", (r, v, a) -> SeqFilters.select(r, v, a, true)),
          Map.entry("selectattr", (r, v, a) -> SeqFilters.selectAttribute(r, v, a, true)),
          Map.entry("sort", SeqFilters::sort),
          Map.entry("string", (r, v, a) -> Printer.str(r, v)),
          Map.entry("sum", SeqFilters::sum),
          Map.entry("title", Filters::title),
          Map.entry("tojson", Json::tojson),
          Map.entry("trim", Filters::trim),
          Map.entry("unique", SeqFilters::unique),
          Map.entry(
              "upper",
              (r, v, a) -> TextMethods.map(r, Printer.str(r, v), s -> s.toUpperCase(Locale.ROOT))));

  private static final int MAX_DIGITS = 1000;

  private Filters() {}

  static boolean isKnown(String name) {
    return BY_NAME.containsKey(name);
  }

  static Value apply(Run run, String name, Value input, Arguments arguments) {
    Filter filter = BY_NAME.get(name);
    if (filter == null) {
      throw run.error("there is no filter named '" + name + "'");
    }
    return filter.apply(run, input, arguments);
  }

  private static Value abs(Run run, Value input, Arguments arguments) {
    return input instanceof Real real
        ? new Real(Math.abs(real.value()))
        : new Int(Math.abs(Builtins.integer(run, input, "abs")));
  }

  private static Value length(Run run, Value input, Arguments arguments) {
    return switch (input) {
      case Text text -> {
        run.chargeChars(text.units());
        yield new Int(text.length());
      }
      case Value.Seq seq when seq.kind() != Value.SeqKind.LAZY -> new Int(seq.items().size());
      case Dict dict -> new Int(dict.entries().size());
      case Undefined _ -> new Int(0);
      default -> throw run.error("a value of type " + input.typeName() + " has no length");
    };
  }

  private static Value defaultTo(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "default", "default_value", "boolean");
    boolean falseToo = a[1] != null && a[1].isTrue();
    boolean absent = input instanceof Undefined || (falseToo && !input.isTrue());
    return absent ? (a[0] == null ? Text.EMPTY : a[0]) : input;
  }

  private static Value escape(Run run, Value input, Arguments arguments) {
    TextBuilder out = new TextBuilder(run);
    Printer.appendEscaped(
        Printer.str(run, input),
        out,
        c ->
            switch (c) {
              case '&' -> "&amp;";
              case '<' -> "&lt;";
              case '>' -> "&gt;";
              case '\'' -> "&#39;";
              case '"' -> "&#34;";
              default -> null;
            });
    return out.build();
  }

  private static Value toInt(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "int", "default", "base");
    Value otherwise = a[0] == null ? new Int(0) : a[0];
    double real;
    if (input instanceof Text text) {
      String digits = digits(run, text);
      try {
        return new Int(Long.parseLong(digits));
      } catch (NumberFormatException e) {
        real = parseReal(digits);
      }
    } else if (input instanceof Real r) {
      real = r.value();
    } else {
      Long integer = Operators.asLong(input);
      return integer == null ? otherwise : new Int(integer);
    }
    return Math.abs(real) < 0x1p63 ? new Int((long) real) : otherwise;
  }

  private static Value toFloat(Run run, Value input, Arguments arguments) {
    Value otherwise = arguments.bind(run, "float", "default")[0];
    double real =
        Operators.isNumber(input)
            ? Operators.asDouble(input)
            : input instanceof Text text ? parseReal(digits(run, text)) : Double.NaN;
    return Double.isNaN(real) ? (otherwise == null ? new Real(0) : otherwise) : new Real(real);
  }

  /** The text without white space around it, or nothing if it is too long for a number. */
  private static String digits(Run run, Text text) {
    run.chargeChars(text.units());
    Text digits = text.strip(null, true, true);
    return digits.units() < MAX_DIGITS ? digits.chars() : "";
  }

  private static double parseReal(String digits) {
    // Java also reads hexadecimal floats and suffixes such as 1d, which Python does not.
    boolean plain = digits.chars().allMatch(c -> "0123456789+-.eE".indexOf(c) >= 0);
    try {
      return plain ? Double.parseDouble(digits) : Double.NaN;
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  private static Value format(Run run, Value input, Arguments arguments) {
    Value values =
        arguments.named().isEmpty()
            ? run.seq(arguments.positional(), Value.SeqKind.TUPLE)
            : Builtins.dictOf(run, arguments.named());
    return Format.percent(run, Printer.str(run, input), values);
  }

  private static Value indent(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "indent", "width", "first", "blank");
    long width =
        a[0] == null ? 4 : a[0] instanceof Text ? 0 : Builtins.integer(run, a[0], "indent");
    Text prefix =
        a[0] instanceof Text text ? text : Text.trusted(" ".repeat(Math.clamp(width, 0, 1000)));
    boolean first = a[1] != null && a[1].isTrue();
    boolean blank = a[2] != null && a[2].isTrue();
    Text text = new TextBuilder(run).append(Printer.str(run, input)).append("\n").build();
    TextBuilder out = new TextBuilder(run);
    boolean atFirst = true;
    for (Value value : TextMethods.splitLines(run, text)) {
      Text line = (Text) value;
      if (!atFirst) {
        out.append("\n");
      }
      if (atFirst ? first : blank || !line.isEmpty()) {
        out.append(prefix);
      }
      out.append(line);
      atFirst = false;
    }
    return out.build();
  }

  private static Value items(Run run, Value input, Arguments arguments) {
    return switch (input) {
      case Undefined _ -> run.list(List.of());
      case Dict dict -> Methods.items(run, dict);
      default -> throw run.error("items needs a dict, not " + input.typeName());
    };
  }

  private static Value replace(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bindRequired(run, 2, "replace", "old", "new", "count");
    return TextMethods.replace(run, Printer.str(run, input), a[0], a[1], a[2]);
  }

  private static Value round(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "round", "precision", "method");
    int precision =
        a[0] == null ? 0 : Math.clamp(Builtins.integer(run, a[0], "precision"), -400, 400);
    if (!Operators.isNumber(input)) {
      throw run.error("round needs a number, not " + input.typeName());
    }
    run.chargeDigits();
    double value = Operators.asDouble(input);
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return new Real(value);
    }
    RoundingMode mode =
        switch (a[1] == null ? "common" : Printer.str(run, a[1]).chars()) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw run.error("round knows the methods common, ceil and floor");
        };
    if (mode == RoundingMode.HALF_EVEN && !(input instanceof Real)) {
      BigDecimal rounded = BigDecimal.valueOf(Operators.asLong(input)).setScale(precision, mode);
      return new Int(rounded.longValue());
    }
    return new Real(new BigDecimal(value).setScale(precision, mode).doubleValue());
  }

  private static Value title(Run run, Value input, Arguments arguments) {
    Text text = Printer.str(run, input);
    TextBuilder out = new TextBuilder(run);
    boolean begins = true;
    for (int i = 0; i < text.units(); ) {
      int c = text.chars().codePointAt(i);
      int end = i + Character.charCount(c);
      boolean separates = Text.isSpace(c) || "-({[<".indexOf(c) >= 0;
      String letter = text.chars().substring(i, end);
      String changed =
          begins && !separates ? letter.toUpperCase(Locale.ROOT) : letter.toLowerCase(Locale.ROOT);
      out.append(changed, text.firstUser(i, end) >= 0);
      run.charge(1);
      begins = separates;
      i = end;
    }
    return out.build();
  }

  private static Value trim(Run run, Value input, Arguments arguments) {
    Value chars = arguments.bind(run, "trim", "chars")[0];
    Text text = Printer.str(run, input);
    run.chargeChars(text.units());
    boolean all = chars == null || chars instanceof None;
    Text stripped = all ? Text.EMPTY : Printer.str(run, chars);
    run.chargeChars(stripped.units());
    return text.strip(all ? null : stripped.chars(), true, true);
  }
}
