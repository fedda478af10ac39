package dev.weft.kernels.template;

import java.util.List;
import java.util.Map;

/** The arguments of a call of a function, macro, filter or test. */
record Arguments(List<Value> positional, Map<String, Value> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /**
   * Puts the arguments in the order of the parameters.
   *
   * @return one value per parameter, null where none was given
   */
  Value[] bind(Run run, String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw run.error(
          function
              + " takes at most "
              + parameters.length
              + " arguments, not "
              + positional.size());
    }
    Value[] bound = new Value[parameters.length];
    for (int i = 0; i < positional.size(); i++) {
      bound[i] = positional.get(i);
    }
    named.forEach(
        (name, value) -> {
          int i = List.of(parameters).indexOf(name);
          if (i < 0) {
            throw run.error(function + " takes no argument named '" + name + "'");
          }
          if (bound[i] != null) {
            throw run.error(function + " is given the argument '" + name + "' twice");
          }
          bound[i] = value;
        });
    return bound;
  }

  /** The same, where the first parameters must be given. */
  Value[] bindRequired(Run run, int required, String function, String... parameters) {
    Value[] bound = bind(run, function, parameters);
    for (int i = 0; i < required; i++) {
      if (bound[i] == null) {
        throw run.error(function + " needs the argument '" + parameters[i] + "'");
      }
    }
    return bound;
  }

  Arguments dropFirst(int n) {
    return new Arguments(positional.subList(n, positional.size()), named);
  }
}
