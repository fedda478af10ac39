package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Function;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.None;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.SeqKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The methods of strings, dicts and lists that templates may call. */
final class Methods {
  private static final Set<String> CHANGES_DICT =
      Set.of("clear", "pop", "popitem", "setdefault", "update");
  private static final Set<String> CHANGES_LIST =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private Methods() {}

  /** The method of this name bound to the value, or null. */
  static Function find(Run run, Value target, String name) {
    return switch (target) {
      case Text text -> TextMethods.find(text, name);
      case Dict dict -> ofDict(run, dict, name);
      case Seq seq when seq.kind() != SeqKind.LAZY -> ofSeq(run, seq, name);
      default -> null;
    };
  }

  private static Function ofDict(Run run, Dict dict, String name) {
    refuse(run, CHANGES_DICT, name, "dict");
    Function.Body body =
        switch (name) {
          case "get" -> (r, arguments) -> get(r, dict, arguments);
          case "items" -> (r, _) -> items(r, dict);
          case "keys" -> (r, _) -> r.list(Operators.iterate(r, dict));
          case "values" ->
              (r, _) -> r.list(dict.entries().values().stream().map(Value.Entry::value).toList());
          case "copy" -> (_, _) -> dict;
          default -> null;
        };
    return body == null ? null : new Function(name, body);
  }

  private static Value get(Run run, Dict dict, Arguments arguments) {
    Value[] a = arguments.bindRequired(run, 1, "get", "key", "default");
    Value.Entry entry = dict.entries().get(Operators.key(run, a[0]));
    return entry != null ? entry.value() : a[1] != null ? a[1] : Value.NONE;
  }

  static Seq items(Run run, Dict dict) {
    List<Value> items = new ArrayList<>();
    for (Value.Entry entry : dict.entries().values()) {
      items.add(run.seq(List.of(entry.key(), entry.value()), SeqKind.TUPLE));
    }
    return run.list(items);
  }

  private static Function ofSeq(Run run, Seq seq, String name) {
    refuse(run, CHANGES_LIST, name, "list");
    Function.Body body =
        switch (name) {
          case "count" -> (r, arguments) -> new Int(occurrences(r, seq, arguments).size());
          case "index" ->
              (r, arguments) -> {
                List<Integer> found = occurrences(r, seq, arguments);
                if (found.isEmpty()) {
                  throw r.error("the list does not hold the value that index() looks for");
                }
                return new Int(found.getFirst());
              };
          case "copy" -> (_, _) -> seq;
          default -> null;
        };
    return body == null ? null : new Function(name, body);
  }

  private static List<Integer> occurrences(Run run, Seq seq, Arguments arguments) {
    Value wanted = arguments.bindRequired(run, 1, "index", "value")[0];
    run.chargeElements(seq.items().size());
    List<Integer> found = new ArrayList<>();
    for (int i = 0; i < seq.items().size(); i++) {
      if (Operators.equal(run, seq.items().get(i), wanted)) {
        found.add(i);
      }
    }
    return found;
  }

  private static void refuse(Run run, Set<String> changing, String name, String type) {
    if (changing.contains(name)) {
      throw run.error("'" + name + "' would change a " + type + ", which the sandbox forbids");
    }
  }

  /** A string argument, or null for one that is absent or none. */
  static Text text(Run run, Value value, String function) {
    return switch (value) {
      case null -> null;
      case None _ -> null;
      case Text text -> text;
      default -> throw run.error(function + "() needs a str, not " + value.typeName());
    };
  }
}
