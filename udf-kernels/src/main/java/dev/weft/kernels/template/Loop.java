package dev.weft.kernels.template;

import java.util.List;

/** The variable {@code loop} within a for loop. */
final class Loop implements Value {
  private final List<Value> items;
  private int index;
  private List<Value> lastChanged;

  Loop(List<Value> items) {
    this.items = items;
  }

  void moveTo(int newIndex) {
    index = newIndex;
  }

  /** The attribute of this name, or null. */
  Value get(String name) {
    int n = items.size();
    return switch (name) {
      case "index" -> new Int(index + 1);
      case "index0" -> new Int(index);
      case "revindex" -> new Int(n - index);
      case "revindex0" -> new Int(n - index - 1);
      case "first" -> Value.of(index == 0);
      case "last" -> Value.of(index == n - 1);
      case "length" -> new Int(n);
      // Of recursive loops, which there are none of.
      case "depth" -> new Int(1);
      case "depth0" -> new Int(0);
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index + 1 < n ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> new Function("cycle", (run, arguments) -> cycle(run, arguments.positional()));
      case "changed" ->
          new Function("changed", (run, arguments) -> changed(run, arguments.positional()));
      default -> null;
    };
  }

  private Value cycle(Run run, List<Value> values) {
    if (values.isEmpty()) {
      throw run.error("loop.cycle has nothing to cycle through");
    }
    return values.get(index % values.size());
  }

  private Value changed(Run run, List<Value> values) {
    Seq now = run.list(values);
    boolean same = lastChanged != null && Operators.equal(run, now, run.list(lastChanged));
    lastChanged = values;
    return Value.of(!same);
  }
}
