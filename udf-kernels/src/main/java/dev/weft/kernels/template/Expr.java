package dev.weft.kernels.template;

import java.util.List;
import java.util.Map;

/** An expression of the template language. */
sealed interface Expr {
  record Literal(Value value) implements Expr {}

  record Name(String name) implements Expr {}

  record SeqOf(List<Expr> items, Value.SeqKind kind) implements Expr {}

  record DictOf(List<Expr> keys, List<Expr> values) implements Expr {}

  /** {@code target.name}. */
  record Attribute(Expr target, String name) implements Expr {}

  /** {@code target[index]}. */
  record Item(Expr target, Expr index) implements Expr {}

  /** {@code target[start:stop:step]}; each may be null. */
  record Slice(Expr target, Expr start, Expr stop, Expr step) implements Expr {}

  record Call(Expr callee, CallArguments arguments) implements Expr {}

  record Filtered(Expr input, FilterCall filter) implements Expr {}

  record Tested(Expr input, String test, CallArguments arguments, boolean negated)
      implements Expr {}

  record Unary(char operator, Expr operand) implements Expr {}

  record Binary(String operator, Expr left, Expr right) implements Expr {}

  /** {@code first < second <= third}, each pair compared in turn. */
  record Comparison(Expr first, List<String> operators, List<Expr> others) implements Expr {}

  record And(Expr left, Expr right) implements Expr {}

  record Or(Expr left, Expr right) implements Expr {}

  record Not(Expr operand) implements Expr {}

  /** {@code a ~ b ~ c}. */
  record Concat(List<Expr> parts) implements Expr {}

  /** {@code then if condition else otherwise}; otherwise may be null. */
  record Conditional(Expr condition, Expr then, Expr otherwise) implements Expr {}

  record FilterCall(String name, CallArguments arguments) {}

  /** Arguments as written; {@code *args} and {@code **kwargs} may be null. */
  record CallArguments(
      List<Expr> positional, Map<String, Expr> named, Expr starArgs, Expr starKwargs) {
    static final CallArguments NONE = new CallArguments(List.of(), Map.of(), null, null);
  }
}
