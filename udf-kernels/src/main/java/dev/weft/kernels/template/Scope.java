package dev.weft.kernels.template;

import java.util.HashMap;
import java.util.Map;

/** Variables of a template, a loop's turn, a macro's call or a block; names look outward. */
final class Scope {
  private final Scope outer;
  private final int depth;
  private Map<String, Value> variables;

  Scope(Scope outer) {
    this.outer = outer;
    this.depth = outer == null ? 0 : outer.depth + 1;
  }

  static Scope of(Map<String, Value> variables) {
    Scope scope = new Scope(null);
    scope.variables = new HashMap<>(variables);
    return scope;
  }

  /** How many scopes lie around this one. */
  int depth() {
    return depth;
  }

  /** The variable's value, or null. */
  Value get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      Value value = scope.variables == null ? null : scope.variables.get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  void set(String name, Value value) {
    if (variables == null) {
      variables = new HashMap<>();
    }
    variables.put(name, value);
  }
}
