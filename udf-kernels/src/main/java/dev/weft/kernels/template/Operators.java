package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Bool;
import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.None;
import dev.weft.kernels.template.Value.Real;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.SeqKind;
import dev.weft.kernels.template.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** What Python's operators do to the values of templates. */
final class Operators {
  private Operators() {}

  static Value binary(Run run, String operator, Value left, Value right) {
    if (left instanceof Undefined u) {
      throw run.error(u.what());
    }
    if (right instanceof Undefined u) {
      throw run.error(u.what());
    }
    if (operator.equals("%") && left instanceof Text format) {
      return Format.percent(run, format, right);
    }
    Long a = asLong(left);
    Long b = asLong(right);
    if (a != null && b != null) {
      return integers(run, operator, a, b);
    }
    if (isNumber(left) && isNumber(right)) {
      return reals(run, operator, asDouble(left), asDouble(right));
    }
    return switch (operator) {
      case "+" -> add(run, left, right);
      case "*" ->
          b != null
              ? repeat(run, left, b)
              : a != null ? repeat(run, right, a) : refuse(run, operator, left, right);
      default -> refuse(run, operator, left, right);
    };
  }

  private static Value refuse(Run run, String operator, Value left, Value right) {
    throw run.error(
        "'" + operator + "' does not work between " + left.typeName() + " and " + right.typeName());
  }

  private static Value integers(Run run, String operator, long a, long b) {
    try {
      return switch (operator) {
        case "+" -> new Int(Math.addExact(a, b));
        case "-" -> new Int(Math.subtractExact(a, b));
        case "*" -> new Int(Math.multiplyExact(a, b));
        case "//" -> new Int(Math.floorDivExact(a, b));
        case "%" -> new Int(Math.floorMod(a, b));
        case "**" -> b < 0 ? new Real(Math.pow(a, b)) : new Int(Math.powExact(a, power(run, b)));
        default -> reals(run, operator, a, b);
      };
    } catch (ArithmeticException e) {
      throw run.error(
          b == 0 && !operator.equals("**") ? "division by zero" : "an integer beyond 64 bits");
    }
  }

  private static int power(Run run, long exponent) {
    if (exponent > 1_000_000) {
      throw run.limit("it raises a number to the power " + exponent);
    }
    return (int) exponent;
  }

  private static Value reals(Run run, String operator, double a, double b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw run.error("division by zero");
    }
    return new Real(
        switch (operator) {
          case "+" -> a + b;
          case "-" -> a - b;
          case "*" -> a * b;
          case "/" -> a / b;
          case "//" -> Math.floor(a / b);
          case "%" -> a - b * Math.floor(a / b);
          default -> Math.pow(a, b);
        });
  }

  private static Value add(Run run, Value left, Value right) {
    if (left instanceof Text a && right instanceof Text b) {
      return new TextBuilder(run).append(a).append(b).build();
    }
    if (left instanceof Seq a
        && right instanceof Seq b
        && a.kind() == b.kind()
        && a.kind() != SeqKind.LAZY) {
      run.chargeElements((long) a.items().size() + b.items().size());
      List<Value> items = new ArrayList<>(a.items().size() + b.items().size());
      items.addAll(a.items());
      items.addAll(b.items());
      return run.seq(items, a.kind());
    }
    return refuse(run, "+", left, right);
  }

  private static Value repeat(Run run, Value value, long times) {
    switch (value) {
      case Text text -> {
        TextBuilder builder = new TextBuilder(run);
        for (long i = 0; i < times && !text.isEmpty(); i++) {
          run.charge(1);
          builder.append(text);
        }
        return builder.build();
      }
      case Seq seq when seq.kind() != SeqKind.LAZY -> {
        List<Value> items = new ArrayList<>();
        for (long i = 0; i < times && !seq.items().isEmpty(); i++) {
          run.chargeElements(seq.items().size());
          items.addAll(seq.items());
        }
        return run.seq(items, seq.kind());
      }
      default -> {
        return refuse(run, "*", value, new Int(times));
      }
    }
  }

  static Value unary(Run run, char operator, Value operand) {
    if (operand instanceof Undefined u) {
      throw run.error(u.what());
    }
    Long integer = asLong(operand);
    if (integer != null) {
      return operator == '+' ? new Int(integer) : integers(run, "-", 0, integer);
    }
    if (operand instanceof Real real) {
      return operator == '+' ? real : new Real(-real.value());
    }
    throw run.error("'" + operator + "' does not work on " + operand.typeName());
  }

  static boolean compare(Run run, String operator, Value left, Value right) {
    return switch (operator) {
      case "==" -> equal(run, left, right);
      case "!=" -> !equal(run, left, right);
      case "in" -> contains(run, right, left);
      case "not in" -> !contains(run, right, left);
      case "<" -> order(run, left, right) < 0;
      case "<=" -> order(run, left, right) <= 0;
      case ">" -> order(run, left, right) > 0;
      case ">=" -> order(run, left, right) >= 0;
      default -> throw new IllegalArgumentException(operator);
    };
  }

  static boolean equal(Run run, Value left, Value right) {
    run.charge(1);
    if (isNumber(left) && isNumber(right)) {
      Long a = asLong(left);
      Long b = asLong(right);
      return a != null && b != null ? a.equals(b) : asDouble(left) == asDouble(right);
    }
    return switch (left) {
      case Text a -> {
        run.chargeChars(a.units());
        yield right instanceof Text b && a.chars().equals(b.chars());
      }
      case None _ -> right instanceof None;
      case Undefined _ -> right instanceof Undefined;
      case Seq a -> right instanceof Seq b && a.kind() == b.kind() && equalItems(run, a, b);
      case Dict a -> right instanceof Dict b && equalEntries(run, a, b);
      default -> left == right;
    };
  }

  private static boolean equalItems(Run run, Seq a, Seq b) {
    if (a.items().size() != b.items().size()) {
      return false;
    }
    Iterator<Value> others = b.items().iterator();
    for (Value item : a.items()) {
      if (!equal(run, item, others.next())) {
        return false;
      }
    }
    return true;
  }

  private static boolean equalEntries(Run run, Dict a, Dict b) {
    if (a.entries().size() != b.entries().size()) {
      return false;
    }
    for (var entry : a.entries().entrySet()) {
      Value.Entry other = b.entries().get(entry.getKey());
      if (other == null || !equal(run, entry.getValue().value(), other.value())) {
        return false;
      }
    }
    return true;
  }

  static int order(Run run, Value left, Value right) {
    run.charge(1);
    if (isNumber(left) && isNumber(right)) {
      Long a = asLong(left);
      Long b = asLong(right);
      return a != null && b != null
          ? Long.compare(a, b)
          : Double.compare(asDouble(left), asDouble(right));
    }
    if (left instanceof Text a && right instanceof Text b) {
      run.chargeChars(Math.min(a.units(), b.units()));
      return compareCodePoints(a.chars(), b.chars());
    }
    if (left instanceof Seq a && right instanceof Seq b && a.kind() == b.kind()) {
      for (int i = 0; i < Math.min(a.items().size(), b.items().size()); i++) {
        if (!equal(run, a.items().get(i), b.items().get(i))) {
          return order(run, a.items().get(i), b.items().get(i));
        }
      }
      return Integer.compare(a.items().size(), b.items().size());
    }
    if (left instanceof Undefined u) {
      throw run.error(u.what());
    }
    throw run.error("cannot order " + left.typeName() + " and " + right.typeName());
  }

  private static int compareCodePoints(String a, String b) {
    int shared = Math.min(a.length(), b.length());
    for (int i = 0; i < shared; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        // Code points beyond 16 bits, written with surrogates, come after all others.
        boolean surrogates = Character.isSurrogate(x) != Character.isSurrogate(y);
        return surrogates ? (Character.isSurrogate(x) ? 1 : -1) : Character.compare(x, y);
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  static boolean contains(Run run, Value container, Value item) {
    switch (container) {
      case Text text -> {
        if (!(item instanceof Text part)) {
          throw run.error("'in' a str needs a str, not " + item.typeName());
        }
        return indexOf(run, text, part, 0) >= 0;
      }
      case Dict dict -> {
        return dict.entries().containsKey(key(run, item));
      }
      default -> {
        for (Value element : iterate(run, container)) {
          if (equal(run, element, item)) {
            return true;
          }
        }
        return false;
      }
    }
  }

  /** Position of the part at or after another position, or -1. */
  static int indexOf(Run run, Text text, Text part, int from) {
    chargeLongSearch(run, part, (long) text.units() - from);
    int found = text.chars().indexOf(part.chars(), from);
    chargeSearch(run, part, (found < 0 ? text.units() : found) - (long) from);
    return found;
  }

  /** Last position of the part that ends at or before another position, or -1. */
  static int lastIndexOf(Run run, Text text, Text part, int to) {
    if (part.units() > to) {
      return -1;
    }
    chargeLongSearch(run, part, to);
    int found = text.chars().lastIndexOf(part.chars(), to - part.units());
    chargeSearch(run, part, to - (long) Math.max(found, 0));
    return found;
  }

  // At worst a search compares the whole part at every position. Nothing is looked for that is
  // long, except to keep the machine busy: that is charged before, when it can still be stopped.
  private static final int LONG_PART = 64;
  private static final int COMPARED_PER_CHAR = 16;

  private static void chargeLongSearch(Run run, Text part, long chars) {
    if (part.units() > LONG_PART) {
      run.chargeChars((chars - part.units() + 1) * (part.units() / COMPARED_PER_CHAR));
    }
  }

  private static void chargeSearch(Run run, Text part, long chars) {
    run.chargeChars(chars * (1 + Math.min(part.units(), LONG_PART) / COMPARED_PER_CHAR));
  }

  /** The elements a for loop sees. */
  static List<Value> iterate(Run run, Value value) {
    return switch (value) {
      case Seq seq -> seq.items();
      case Dict dict -> {
        run.chargeElements(dict.entries().size());
        yield dict.entries().values().stream().map(Value.Entry::key).toList();
      }
      case Text text -> characters(run, text);
      case Undefined _ -> List.of();
      default -> throw run.error("a value of type " + value.typeName() + " is not iterable");
    };
  }

  private static List<Value> characters(Run run, Text text) {
    run.chargeElements(text.units());
    List<Value> characters = new ArrayList<>();
    for (int i = 0; i < text.units(); ) {
      int end = i + Character.charCount(text.chars().codePointAt(i));
      characters.add(text.slice(i, end));
      i = end;
    }
    return characters;
  }

  /** The key under which a dict keeps a value: equal for values that Python calls equal. */
  static Object key(Run run, Value value) {
    return switch (value) {
      case Text t -> {
        run.chargeChars(t.units());
        yield t.chars();
      }
      case Int i -> i.value();
      case Bool b -> b.value() ? 1L : 0L;
      case Real r ->
          r.value() == Math.rint(r.value()) && Math.abs(r.value()) < 0x1p62
              ? (Object) (long) r.value()
              : (Object) r.value();
      case None _ -> Value.NONE;
      default -> throw run.error("a value of type " + value.typeName() + " cannot be a key");
    };
  }

  static boolean isNumber(Value value) {
    return value instanceof Int || value instanceof Bool || value instanceof Real;
  }

  /** The value as an integer, as Python takes True for 1, or null. */
  static Long asLong(Value value) {
    return switch (value) {
      case Int i -> i.value();
      case Bool b -> b.value() ? 1L : 0L;
      default -> null;
    };
  }

  static double asDouble(Value value) {
    return value instanceof Real real ? real.value() : asLong(value);
  }
}
