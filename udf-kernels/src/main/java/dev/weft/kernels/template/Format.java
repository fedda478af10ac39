package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.SeqKind;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;

/** Python's {@code format % values}, for the conversions s, r, d, i, f and x. */
final class Format {
  private static final int MAX_WIDTH = 1000;

  private Format() {}

  static Text percent(Run run, Text format, Value values) {
    List<Value> arguments =
        values instanceof Seq seq && seq.kind() == SeqKind.TUPLE ? seq.items() : List.of(values);
    TextBuilder out = new TextBuilder(run);
    String chars = format.chars();
    int used = 0;
    int plainFrom = 0;
    for (int i = chars.indexOf('%'); i >= 0; i = chars.indexOf('%', plainFrom)) {
      run.charge(1);
      out.append(format, plainFrom, i);
      int at = i + 1;
      Value named = null;
      if (at < chars.length() && chars.charAt(at) == '(') {
        int close = chars.indexOf(')', at);
        if (close < 0 || !(values instanceof Dict dict)) {
          throw run.error("'%(' needs a name, ')' and a dict");
        }
        named = dict.get(chars.substring(at + 1, close));
        if (named == null) {
          throw run.error("the format names what the dict does not have");
        }
        at = close + 1;
      }
      int flagsEnd = at;
      while (flagsEnd < chars.length() && "-+ 0#".indexOf(chars.charAt(flagsEnd)) >= 0) {
        flagsEnd++;
      }
      String flags = chars.substring(at, flagsEnd);
      int widthEnd = digitsEnd(chars, flagsEnd);
      int width = number(run, chars, flagsEnd, widthEnd, 0);
      int precision = -1;
      at = widthEnd;
      if (at < chars.length() && chars.charAt(at) == '.') {
        int end = digitsEnd(chars, at + 1);
        precision = number(run, chars, at + 1, end, 0);
        at = end;
      }
      if (at >= chars.length()) {
        throw run.error("the format ends within a '%'");
      }
      char conversion = chars.charAt(at);
      plainFrom = at + 1;
      if (conversion == '%') {
        out.append(format, at, at + 1);
        continue;
      }
      if (named == null && used == arguments.size()) {
        throw run.error("the format has more places than there are values");
      }
      Value value = named == null ? arguments.get(used++) : named;
      pad(run, out, convert(run, value, conversion, precision, flags), width, flags, conversion);
    }
    if (used < arguments.size() && !(values instanceof Dict)) {
      throw run.error("the format has fewer places than there are values");
    }
    return out.append(format, plainFrom, format.units()).build();
  }

  private static int digitsEnd(String chars, int from) {
    int end = from;
    while (end < chars.length() && chars.charAt(end) >= '0' && chars.charAt(end) <= '9') {
      end++;
    }
    return end;
  }

  private static int number(Run run, String chars, int from, int to, int absent) {
    if (from == to) {
      return absent;
    }
    if (to - from > 4 || Integer.parseInt(chars, from, to, 10) > MAX_WIDTH) {
      throw run.limit("a format is wider than " + MAX_WIDTH + " characters");
    }
    return Integer.parseInt(chars, from, to, 10);
  }

  private static Text convert(Run run, Value value, char conversion, int precision, String flags) {
    switch (conversion) {
      case 's' -> {
        return cut(run, Printer.str(run, value), precision);
      }
      case 'r' -> {
        TextBuilder repr = new TextBuilder(run);
        Printer.repr(run, value, repr);
        return cut(run, repr.build(), precision);
      }
      default -> {
        if (!Operators.isNumber(value)) {
          throw run.error("'%" + conversion + "' needs a number, not " + value.typeName());
        }
        run.chargeDigits();
        double real = Operators.asDouble(value);
        if (Double.isNaN(real) || Double.isInfinite(real)) {
          throw run.error("'%" + conversion + "' needs a finite number");
        }
        String digits =
            switch (conversion) {
              case 'd', 'i' ->
                  value instanceof Value.Real
                      ? new BigDecimal(real).setScale(0, RoundingMode.DOWN).toPlainString()
                      : Operators.asLong(value).toString();
              case 'x' -> Long.toString(Builtins.integer(run, value, "%x"), 16);
              case 'f' ->
                  new BigDecimal(real)
                      .setScale(precision < 0 ? 6 : precision, RoundingMode.HALF_EVEN)
                      .toPlainString();
              default -> throw run.error("the format '%" + conversion + "' is not supported");
            };
        boolean signed = digits.startsWith("-");
        return Text.trusted(
            signed
                ? digits
                : flags.contains("+") ? "+" + digits : flags.contains(" ") ? " " + digits : digits);
      }
    }
  }

  private static Text cut(Run run, Text text, int precision) {
    run.chargeChars(text.units());
    return precision < 0 || precision >= text.length()
        ? text
        : text.slice(0, text.positionOf(precision));
  }

  private static void pad(
      Run run, TextBuilder out, Text text, int width, String flags, char conversion) {
    int missing = width - text.length();
    if (missing <= 0) {
      out.append(text);
    } else if (flags.contains("-")) {
      out.append(text).append(" ".repeat(missing));
    } else if (flags.contains("0") && conversion != 's' && conversion != 'r') {
      int sign = !text.isEmpty() && "+- ".indexOf(text.chars().charAt(0)) >= 0 ? 1 : 0;
      out.append(text, 0, sign).append("0".repeat(missing)).append(text, sign, text.units());
    } else {
      out.append(" ".repeat(missing)).append(text);
    }
  }
}
