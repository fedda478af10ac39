package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Bool;
import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Function;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.None;
import dev.weft.kernels.template.Value.Real;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.SeqKind;
import dev.weft.kernels.template.Value.Undefined;
import java.util.Locale;

/** What may stand after {@code is}. */
final class Tests {
  private Tests() {}

  static boolean apply(Run run, String test, Value value, Arguments arguments) {
    return switch (test) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value instanceof None;
      case "string" -> value instanceof Text;
      case "mapping" -> value instanceof Dict;
      case "sequence" ->
          value instanceof Text
              || value instanceof Dict
              || value instanceof Undefined
              || value instanceof Seq seq && seq.kind() != SeqKind.LAZY;
      case "iterable" ->
          value instanceof Text
              || value instanceof Dict
              || value instanceof Seq
              || value instanceof Undefined;
      case "number" -> Operators.isNumber(value);
      case "integer" -> value instanceof Int;
      case "float" -> value instanceof Real;
      case "boolean" -> value instanceof Bool;
      case "true" -> value == Value.TRUE;
      case "false" -> value == Value.FALSE;
      case "callable" -> value instanceof Function;
      case "even" -> Math.floorMod(Builtins.integer(run, value, "even"), 2) == 0;
      case "odd" -> Math.floorMod(Builtins.integer(run, value, "odd"), 2) == 1;
      case "divisibleby" -> {
        long divisor = Builtins.integer(run, other(run, test, arguments), "divisibleby");
        if (divisor == 0) {
          throw run.error("division by zero");
        }
        yield Builtins.integer(run, value, "divisibleby") % divisor == 0;
      }
      case "lower" -> isUnchangedBy(run, value, s -> s.toLowerCase(Locale.ROOT));
      case "upper" -> isUnchangedBy(run, value, s -> s.toUpperCase(Locale.ROOT));
      case "sameas" -> {
        Value other = other(run, test, arguments);
        yield value.typeName().equals(other.typeName()) && Operators.equal(run, value, other);
      }
      case "eq", "equalto" -> compare(run, "==", value, test, arguments);
      case "ne" -> compare(run, "!=", value, test, arguments);
      case "lt", "lessthan" -> compare(run, "<", value, test, arguments);
      case "le" -> compare(run, "<=", value, test, arguments);
      case "gt", "greaterthan" -> compare(run, ">", value, test, arguments);
      case "ge" -> compare(run, ">=", value, test, arguments);
      case "in" -> compare(run, "in", value, test, arguments);
      case "filter" -> Filters.isKnown(Printer.str(run, value).chars());
      default -> throw run.error("there is no test named '" + test + "'");
    };
  }

  private static boolean isUnchangedBy(Run run, Value value, TextMethods.Letters letters) {
    // True only where there are letters that could have been of the other case.
    String text = Printer.str(run, value).chars();
    run.chargeChars(text.length());
    boolean cased =
        text.codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
    return cased && letters.change(text).equals(text);
  }

  private static boolean compare(
      Run run, String operator, Value value, String test, Arguments arguments) {
    return Operators.compare(run, operator, value, other(run, test, arguments));
  }

  private static Value other(Run run, String test, Arguments arguments) {
    return arguments.bindRequired(run, 1, test, "other")[0];
  }
}
