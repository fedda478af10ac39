package dev.weft.kernels.template;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything a template can hold. The set is closed and no value leads to a Java object, class or
 * method, so there is nothing a template could reach through one. Lists and dicts never change once
 * made, hence hold no cycles; only {@link Namespace} is assigned to.
 */
sealed interface Value
    permits Text,
        Value.None,
        Value.Undefined,
        Value.Bool,
        Value.Int,
        Value.Real,
        Value.Seq,
        Value.Dict,
        Value.Namespace,
        Value.Function,
        Loop {

  None NONE = new None();
  Bool TRUE = new Bool(true);
  Bool FALSE = new Bool(false);

  static Bool of(boolean value) {
    return value ? TRUE : FALSE;
  }

  record None() implements Value {}

  /** The value of what is not there; prints as nothing. {@code what} says what was looked for. */
  record Undefined(String what) implements Value {}

  record Bool(boolean value) implements Value {}

  record Int(long value) implements Value {}

  record Real(double value) implements Value {}

  /** What kind of sequence Python would hold; a lazy one is always true and has no length. */
  enum SeqKind {
    LIST,
    TUPLE,
    LAZY
  }

  /**
   * A sequence.
   *
   * @param nesting how deep sequences and dicts lie within it, for the sandbox's limit
   */
  record Seq(List<Value> items, SeqKind kind, int nesting) implements Value {}

  /**
   * A mapping in order of insertion.
   *
   * @param entries by {@linkplain Operators#key normalized key}
   */
  record Dict(LinkedHashMap<Object, Entry> entries, int nesting) implements Value {
    Value get(String key) {
      Entry entry = entries.get(key);
      return entry == null ? null : entry.value();
    }
  }

  record Entry(Value key, Value value) {}

  record Namespace(Map<String, Value> attributes) implements Value {}

  record Function(String name, Body body) implements Value {
    interface Body {
      Value call(Run run, Arguments arguments);
    }
  }

  /** Python's name of the value's type, for messages. */
  default String typeName() {
    return switch (this) {
      case Text _ -> "str";
      case None _ -> "NoneType";
      case Undefined _ -> "Undefined";
      case Bool _ -> "bool";
      case Int _ -> "int";
      case Real _ -> "float";
      case Seq s ->
          switch (s.kind()) {
            case LIST -> "list";
            case TUPLE -> "tuple";
            case LAZY -> "generator";
          };
      case Dict _ -> "dict";
      case Namespace _ -> "Namespace";
      case Function _ -> "function";
      case Loop _ -> "LoopContext";
    };
  }

  default boolean isTrue() {
    return switch (this) {
      case Text t -> !t.isEmpty();
      case None _, Undefined _ -> false;
      case Bool b -> b.value();
      case Int i -> i.value() != 0;
      case Real r -> r.value() != 0;
      case Seq s -> s.kind() == SeqKind.LAZY || !s.items().isEmpty();
      case Dict d -> !d.entries().isEmpty();
      case Namespace _, Function _, Loop _ -> true;
    };
  }
}
