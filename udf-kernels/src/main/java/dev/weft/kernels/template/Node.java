package dev.weft.kernels.template;

import java.util.List;

/** A statement of the template language. */
sealed interface Node {
  record Data(Text text) implements Node {}

  record Output(Expr value, int line) implements Node {}

  /** The body of the first branch whose condition is true, else the last. */
  record If(List<Branch> branches, List<Node> otherwise) implements Node {}

  record Branch(Expr condition, List<Node> body, int line) {}

  /** {@code filter} may be null. */
  record For(
      Target target, Expr items, Expr filter, List<Node> body, List<Node> otherwise, int line)
      implements Node {}

  record Set(Target target, Expr value, int line) implements Node {}

  /** {@code {% set target | filters %}body{% endset %}}. */
  record SetBlock(Target target, List<Expr.FilterCall> filters, List<Node> body, int line)
      implements Node {}

  record DefineMacro(Macro macro) implements Node {}

  /** {@code {% call(parameters) macro() %}body{% endcall %}}. */
  record CallBlock(Macro caller, Expr.Call call, int line) implements Node {}

  record FilterBlock(List<Expr.FilterCall> filters, List<Node> body, int line) implements Node {}

  record With(List<Target> targets, List<Expr> values, List<Node> body, int line) implements Node {}

  /** A body with variables of its own and nothing else, as of {@code generation}. */
  record Scoped(List<Node> body) implements Node {}

  record Break() implements Node {}

  record Continue() implements Node {}

  /** What a value is assigned to. */
  sealed interface Target {
    record Variable(String name) implements Target {}

    record Attribute(String namespace, String name) implements Target {}

    record Unpack(List<Target> targets) implements Target {}
  }

  /**
   * A macro.
   *
   * @param defaults of the last parameters
   * @param takesVarargs whether the body mentions {@code varargs}, which takes what is left over
   * @param takesKwargs whether the body mentions {@code kwargs}
   */
  record Macro(
      String name,
      List<String> parameters,
      List<Expr> defaults,
      List<Node> body,
      boolean takesVarargs,
      boolean takesKwargs,
      int line) {}
}
