package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Namespace;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.Undefined;
import java.util.ArrayList;
import java.util.List;

/** Attributes, items and slices of values. */
final class Lookup {
  private Lookup() {}

  /** {@code target.name}: a method or attribute, else the item of that name. */
  static Value attribute(Run run, Value target, String name) {
    Value found =
        switch (target) {
          case Undefined u -> throw run.error(u.what());
          case Namespace n -> n.attributes().get(name);
          case Loop loop -> loop.get(name);
          default -> Methods.find(run, target, name);
        };
    if (found == null && target instanceof Dict dict) {
      found = dict.get(name);
    }
    return found != null ? found : missing(run, target, name);
  }

  private static Value missing(Run run, Value target, String name) {
    if (name.startsWith("__")) {
      throw run.error("access to '" + name + "' is not allowed in the sandbox");
    }
    return new Undefined("'" + target.typeName() + " object' has no attribute '" + name + "'");
  }

  /** {@code target[index]}: an item, else the attribute of that name. */
  static Value item(Run run, Value target, Value index) {
    switch (target) {
      case Undefined u -> throw run.error(u.what());
      case Dict dict -> {
        Value.Entry entry =
            index instanceof Seq || index instanceof Dict
                ? null
                : dict.entries().get(Operators.key(run, index));
        if (entry != null) {
          return entry.value();
        }
      }
      case Seq seq when Operators.asLong(index) != null && seq.kind() != Value.SeqKind.LAZY -> {
        long i = Operators.asLong(index);
        int n = seq.items().size();
        long at = i < 0 ? i + n : i;
        return at >= 0 && at < n
            ? seq.items().get((int) at)
            : new Undefined(seq.typeName() + " object has no element " + i);
      }
      case Text text when Operators.asLong(index) != null -> {
        long i = Operators.asLong(index);
        run.chargeChars(text.units());
        int n = text.length();
        long at = i < 0 ? i + n : i;
        return at >= 0 && at < n
            ? text.slice(text.positionOf((int) at), text.positionOf((int) at + 1))
            : new Undefined("str object has no element " + i);
      }
      default -> {}
    }
    return index instanceof Text name
        ? attribute(run, target, name.chars())
        : new Undefined("'" + target.typeName() + " object' has no such element");
  }

  static Text slice(Run run, Text text, Long start, Long stop, Long step) {
    run.chargeChars(text.units());
    int n = text.length();
    Bounds bounds = Bounds.of(run, n, start, stop, step);
    if (bounds.step == 1) {
      return bounds.start >= bounds.stop
          ? Text.EMPTY
          : text.slice(text.positionOf((int) bounds.start), text.positionOf((int) bounds.stop));
    }
    List<Value> characters = slice(run, Operators.iterate(run, text), start, stop, step);
    TextBuilder out = new TextBuilder(run);
    characters.forEach(c -> out.append((Text) c));
    return out.build();
  }

  static List<Value> slice(Run run, List<Value> items, Long start, Long stop, Long step) {
    Bounds bounds = Bounds.of(run, items.size(), start, stop, step);
    if (bounds.step == 1) {
      return bounds.start >= bounds.stop
          ? List.of()
          : items.subList((int) bounds.start, (int) bounds.stop);
    }
    List<Value> picked = new ArrayList<>();
    if (bounds.step > 0) {
      for (long i = bounds.start; i < bounds.stop; i += bounds.step) {
        picked.add(items.get((int) i));
      }
    } else {
      for (long i = bounds.start; i > bounds.stop; i += bounds.step) {
        picked.add(items.get((int) i));
      }
    }
    return picked;
  }

  /** A slice's bounds made to lie within a sequence, as Python does it. */
  private record Bounds(long start, long stop, long step) {
    static Bounds of(Run run, int n, Long start, Long stop, Long step) {
      // Larger steps than the sequence is long pick the same elements and would overflow.
      long by = step == null ? 1 : Math.clamp(step, -n - 1L, n + 1L);
      if (by == 0) {
        throw run.error("a slice's step cannot be zero");
      }
      long low = by > 0 ? 0 : -1;
      long high = by > 0 ? n : n - 1L;
      long from = start == null ? (by > 0 ? low : high) : within(start, n, low, high);
      long to = stop == null ? (by > 0 ? high : low) : within(stop, n, low, high);
      return new Bounds(from, to, by);
    }

    private static long within(long i, int n, long low, long high) {
      return i < 0 ? Math.max(i + n, low) : Math.min(i, high);
    }
  }
}
