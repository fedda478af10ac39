package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Bool;
import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.None;
import dev.weft.kernels.template.Value.Real;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.SeqKind;
import dev.weft.kernels.template.Value.Undefined;
import java.math.BigDecimal;

/** Values as Python's {@code str} and {@code repr} show them. */
final class Printer {
  private Printer() {}

  static Text str(Run run, Value value) {
    if (value instanceof Text text) {
      return text;
    }
    TextBuilder out = new TextBuilder(run);
    append(run, value, out);
    return out.build();
  }

  static void append(Run run, Value value, TextBuilder out) {
    if (value instanceof Text text) {
      out.append(text);
    } else {
      repr(run, value, out);
    }
  }

  static void repr(Run run, Value value, TextBuilder out) {
    run.charge(1);
    switch (value) {
      case Text text -> quote(text, out);
      case None _ -> out.append("None");
      case Undefined _ -> {}
      case Bool b -> out.append(b.value() ? "True" : "False");
      case Int i -> out.append(Long.toString(i.value()));
      case Real r -> {
        run.chargeDigits();
        out.append(real(r.value()));
      }
      case Seq seq -> {
        boolean tuple = seq.kind() == SeqKind.TUPLE;
        out.append(tuple ? "(" : "[");
        String separator = "";
        for (Value item : seq.items()) {
          out.append(separator);
          repr(run, item, out);
          separator = ", ";
        }
        out.append(tuple ? (seq.items().size() == 1 ? ",)" : ")") : "]");
      }
      case Dict dict -> {
        out.append("{");
        String separator = "";
        for (Value.Entry entry : dict.entries().values()) {
          out.append(separator);
          repr(run, entry.key(), out);
          out.append(": ");
          repr(run, entry.value(), out);
          separator = ", ";
        }
        out.append("}");
      }
      case Value.Namespace _ -> out.append("<Namespace>");
      case Value.Function f -> out.append("<function " + f.name() + ">");
      case Loop _ -> out.append("<LoopContext>");
    }
  }

  private static void quote(Text text, TextBuilder out) {
    String chars = text.chars();
    char quote = chars.indexOf('\'') >= 0 && chars.indexOf('"') < 0 ? '"' : '\'';
    out.append(String.valueOf(quote));
    appendEscaped(text, out, c -> reprEscape(c, quote));
    out.append(String.valueOf(quote));
  }

  private static String reprEscape(int c, char quote) {
    return switch (c) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\\' -> "\\\\";
      default -> {
        if (c == quote) {
          yield "\\" + quote;
        }
        if (c >= 0x20 && c < 0x7F || c > 0xA0 && isPrintable(c)) {
          yield null;
        }
        yield c <= 0xFF
            ? "\\x%02x".formatted(c)
            : c <= 0xFFFF ? "\\u%04x".formatted(c) : "\\U%08x".formatted(c);
      }
    };
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR ->
          false;
      default -> true;
    };
  }

  /** How to write a code point; null for as it is. */
  interface Escape {
    String of(int codePoint);
  }

  /** Appends a text with characters replaced, each keeping its origin. */
  static void appendEscaped(Text text, TextBuilder out, Escape escape) {
    String chars = text.chars();
    int plainFrom = 0;
    for (int i = 0; i < chars.length(); ) {
      int c = chars.codePointAt(i);
      int end = i + Character.charCount(c);
      String escaped = escape.of(c);
      if (escaped != null) {
        out.append(text, plainFrom, i).append(escaped, text.firstUser(i, end) >= 0);
        plainFrom = end;
      }
      i = end;
    }
    out.append(text, plainFrom, chars.length());
  }

  /** The shortest digits that read back as the same number, as Python writes them. */
  static String real(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = exact.precision() - exact.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = exact.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    String digits = exact.unscaledValue().abs().toString();
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    String sign = exponent < 0 ? "-" : "+";
    int size = Math.abs(exponent);
    return (value < 0 ? "-" : "") + mantissa + "e" + sign + (size < 10 ? "0" : "") + size;
  }
}
