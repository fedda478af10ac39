package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.SeqKind;
import dev.weft.kernels.template.Value.Undefined;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;

/** The filters that work on sequences and dicts. */
final class SeqFilters {
  private SeqFilters() {}

  static Value first(Run run, Value input, Arguments arguments) {
    List<Value> items = Operators.iterate(run, input);
    return items.isEmpty() ? new Undefined("there is no first item") : items.getFirst();
  }

  static Value last(Run run, Value input, Arguments arguments) {
    List<Value> items = Operators.iterate(run, input);
    return items.isEmpty() ? new Undefined("there is no last item") : items.getLast();
  }

  static Value join(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "join", "d", "attribute");
    Text separator = a[0] == null ? Text.EMPTY : Printer.str(run, a[0]);
    TextBuilder out = new TextBuilder(run);
    boolean first = true;
    for (Value item : Operators.iterate(run, input)) {
      if (!first) {
        out.append(separator);
      }
      Printer.append(run, a[1] == null ? item : attribute(run, item, a[1]), out);
      first = false;
      run.charge(1);
    }
    return out.build();
  }

  static Value map(Run run, Value input, Arguments arguments) {
    List<Value> items = itemsOrNothing(run, input);
    List<Value> mapped = new ArrayList<>(items.size());
    if (arguments.positional().isEmpty()) {
      Value[] a = arguments.bind(run, "map", "attribute", "default");
      if (a[0] == null) {
        throw run.error("map needs an attribute or the name of a filter");
      }
      for (Value item : items) {
        Value value = attribute(run, item, a[0]);
        mapped.add(value instanceof Undefined && a[1] != null ? a[1] : value);
      }
    } else {
      String filter = Printer.str(run, arguments.positional().getFirst()).chars();
      Arguments rest = arguments.dropFirst(1);
      for (Value item : items) {
        run.enter();
        mapped.add(Filters.apply(run, filter, item, rest));
        run.leave();
      }
    }
    return run.seq(mapped, SeqKind.LAZY);
  }

  static Value select(Run run, Value input, Arguments arguments, boolean wanted) {
    return keep(run, input, item -> holds(run, item, arguments) == wanted);
  }

  static Value selectAttribute(Run run, Value input, Arguments arguments, boolean wanted) {
    if (arguments.positional().isEmpty()) {
      throw run.error("selectattr and rejectattr need the name of an attribute");
    }
    Value name = arguments.positional().getFirst();
    Arguments rest = arguments.dropFirst(1);
    return keep(run, input, item -> holds(run, attribute(run, item, name), rest) == wanted);
  }

  private static Value keep(Run run, Value input, Predicate<Value> predicate) {
    List<Value> kept = new ArrayList<>();
    for (Value item : itemsOrNothing(run, input)) {
      run.charge(1);
      if (predicate.test(item)) {
        kept.add(item);
      }
    }
    return run.seq(kept, SeqKind.LAZY);
  }

  /** As Jinja2 has it, the lazy filters take anything false, such as none, as empty. */
  private static List<Value> itemsOrNothing(Run run, Value input) {
    return input.isTrue() ? Operators.iterate(run, input) : List.of();
  }

  private static boolean holds(Run run, Value item, Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      return item.isTrue();
    }
    String test = Printer.str(run, arguments.positional().getFirst()).chars();
    return Tests.apply(run, test, item, arguments.dropFirst(1));
  }

  static Value reverse(Run run, Value input, Arguments arguments) {
    List<Value> reversed = List.copyOf(Operators.iterate(run, input)).reversed();
    if (!(input instanceof Text)) {
      return run.seq(reversed, SeqKind.LAZY);
    }
    TextBuilder out = new TextBuilder(run);
    reversed.forEach(character -> out.append((Text) character));
    return out.build();
  }

  static Value sort(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "sort", "reverse", "case_sensitive", "attribute");
    Comparator<Value> order =
        Comparator.comparing(
            item -> sortKey(run, a[2] == null ? item : attribute(run, item, a[2]), a[1]),
            (x, y) -> Operators.order(run, x, y));
    return run.list(sorted(run, Operators.iterate(run, input), order, isTrue(a[0])));
  }

  static Value dictsort(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "dictsort", "case_sensitive", "by", "reverse");
    if (!(input instanceof Dict dict)) {
      throw run.error("dictsort needs a dict, not " + input.typeName());
    }
    int part = a[1] != null && Printer.str(run, a[1]).chars().equals("value") ? 1 : 0;
    Comparator<Value> order =
        Comparator.comparing(
            pair -> sortKey(run, ((Seq) pair).items().get(part), a[0]),
            (x, y) -> Operators.order(run, x, y));
    return run.list(sorted(run, Methods.items(run, dict).items(), order, isTrue(a[2])));
  }

  private static List<Value> sorted(
      Run run, List<Value> items, Comparator<Value> order, boolean reverse) {
    run.chargeElements(items.size());
    Value[] array = items.toArray(new Value[0]);
    Arrays.sort(array, reverse ? order.reversed() : order);
    return List.of(array);
  }

  private static boolean isTrue(Value argument) {
    return argument != null && argument.isTrue();
  }

  private static Value sortKey(Run run, Value value, Value caseSensitive) {
    return value instanceof Text text && !isTrue(caseSensitive)
        ? TextMethods.map(run, text, s -> s.toLowerCase(Locale.ROOT))
        : value;
  }

  static Value extreme(Run run, Value input, Arguments arguments, String name) {
    Value[] a = arguments.bind(run, name, "case_sensitive", "attribute");
    Value best = null;
    Value bestKey = null;
    for (Value item : Operators.iterate(run, input)) {
      Value key = sortKey(run, a[1] == null ? item : attribute(run, item, a[1]), a[0]);
      int order = best == null ? 0 : Operators.order(run, key, bestKey);
      if (best == null || (name.equals("max") ? order > 0 : order < 0)) {
        best = item;
        bestKey = key;
      }
    }
    return best == null ? new Undefined("an empty sequence has no " + name) : best;
  }

  static Value sum(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "sum", "attribute", "start");
    Value total = a[1] == null ? new Int(0) : a[1];
    for (Value item : Operators.iterate(run, input)) {
      run.charge(1);
      Value value = a[0] == null ? item : attribute(run, item, a[0]);
      total = Operators.binary(run, "+", total, value);
    }
    return total;
  }

  static Value unique(Run run, Value input, Arguments arguments) {
    Value[] a = arguments.bind(run, "unique", "case_sensitive", "attribute");
    Set<Object> seen = new HashSet<>();
    return keep(
        run,
        input,
        item -> {
          Value value = a[1] == null ? item : attribute(run, item, a[1]);
          return seen.add(Operators.key(run, sortKey(run, value, a[0])));
        });
  }

  /** The attribute of a dotted path, as filters name attributes; an index is an integer. */
  private static Value attribute(Run run, Value item, Value path) {
    if (!(path instanceof Text text)) {
      return Lookup.item(run, item, path);
    }
    Value value = item;
    String chars = text.chars();
    for (int from = 0; from <= chars.length(); ) {
      int dot = chars.indexOf('.', from);
      int end = dot < 0 ? chars.length() : dot;
      String name = chars.substring(from, end);
      run.charge(1);
      boolean index =
          !name.isEmpty() && name.length() < 10 && name.chars().allMatch(c -> c >= '0' && c <= '9');
      value = Lookup.item(run, value, index ? new Int(Long.parseLong(name)) : Text.trusted(name));
      from = end + 1;
    }
    return value;
  }
}
