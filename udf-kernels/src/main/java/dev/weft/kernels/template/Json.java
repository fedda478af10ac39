package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Bool;
import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.None;
import dev.weft.kernels.template.Value.Real;
import dev.weft.kernels.template.Value.Seq;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The filter {@code tojson}: what Python's {@code json.dumps} writes, spaces and all. */
final class Json {
  private final Run run;
  private final TextBuilder out;
  private final boolean ascii;
  private final String indent;
  private final Text itemSeparator;
  private final Text keySeparator;
  private final boolean sortKeys;

  private Json(
      Run run, boolean ascii, String indent, Text itemSeparator, Text keySeparator, boolean sort) {
    this.run = run;
    this.out = new TextBuilder(run);
    this.ascii = ascii;
    this.indent = indent;
    this.itemSeparator = itemSeparator;
    this.keySeparator = keySeparator;
    this.sortKeys = sort;
  }

  static Value tojson(Run run, Value value, Arguments arguments) {
    Value[] a = arguments.bind(run, "tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    String indent =
        switch (a[1]) {
          case null -> null;
          case None _ -> null;
          case Text t -> t.chars();
          default -> " ".repeat(Math.clamp(Builtins.integer(run, a[1], "indent"), 0, 64));
        };
    Text item = Text.trusted(indent == null ? ", " : ",");
    Text key = Text.trusted(": ");
    if (a[2] instanceof Seq pair) {
      if (pair.items().size() != 2
          || !(pair.items().get(0) instanceof Text first)
          || !(pair.items().get(1) instanceof Text second)) {
        throw run.error("tojson: separators must be two strings");
      }
      item = first;
      key = second;
    }
    Json json =
        new Json(
            run, a[0] != null && a[0].isTrue(), indent, item, key, a[3] != null && a[3].isTrue());
    json.write(value, 0);
    return json.out.build();
  }

  private void write(Value value, int depth) {
    run.charge(1);
    switch (value) {
      case Text text -> string(text);
      case None _ -> out.append("null");
      case Bool b -> out.append(b.value() ? "true" : "false");
      case Int i -> out.append(Long.toString(i.value()));
      case Real r -> {
        run.chargeDigits();
        out.append(number(r.value()));
      }
      case Seq seq when seq.kind() != Value.SeqKind.LAZY -> {
        if (seq.items().isEmpty()) {
          out.append("[]");
          return;
        }
        out.append("[");
        boolean first = true;
        for (Value item : seq.items()) {
          separate(first, depth + 1);
          write(item, depth + 1);
          first = false;
        }
        newLine(depth);
        out.append("]");
      }
      case Dict dict -> writeDict(dict, depth);
      default ->
          throw run.error("a value of type " + value.typeName() + " cannot be written as JSON");
    }
  }

  private void writeDict(Dict dict, int depth) {
    if (dict.entries().isEmpty()) {
      out.append("{}");
      return;
    }
    List<Value.Entry> entries = new ArrayList<>(dict.entries().values());
    if (sortKeys) {
      entries.sort(Comparator.comparing(Value.Entry::key, (x, y) -> Operators.order(run, x, y)));
    }
    out.append("{");
    boolean first = true;
    for (Value.Entry entry : entries) {
      separate(first, depth + 1);
      writeKey(entry.key());
      out.append(keySeparator);
      write(entry.value(), depth + 1);
      first = false;
    }
    newLine(depth);
    out.append("}");
  }

  private void writeKey(Value key) {
    if (key instanceof Text text) {
      string(text);
    } else {
      out.append("\"");
      write(key, 0);
      out.append("\"");
    }
  }

  private void separate(boolean first, int depth) {
    if (!first) {
      out.append(itemSeparator);
    }
    newLine(depth);
  }

  private void newLine(int depth) {
    if (indent != null) {
      out.append("\n");
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private static String number(double value) {
    return Double.isNaN(value)
        ? "NaN"
        : Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Printer.real(value);
  }

  private void string(Text text) {
    out.append("\"");
    Printer.appendEscaped(text, out, this::escape);
    out.append("\"");
  }

  private String escape(int c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      default -> {
        if (c >= 0x20 && (c < 0x7F || !ascii)) {
          yield null;
        }
        StringBuilder escaped = new StringBuilder();
        for (char unit : Character.toChars(c)) {
          escaped.append("\\u%04x".formatted((int) unit));
        }
        yield escaped.toString();
      }
    };
  }
}
