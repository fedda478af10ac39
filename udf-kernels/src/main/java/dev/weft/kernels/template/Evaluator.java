package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Dict;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.None;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Evaluates expressions. */
final class Evaluator {
  private final Run run;

  Evaluator(Run run) {
    this.run = run;
  }

  Value evaluate(Expr expression, Scope scope) {
    run.enter();
    Value value =
        switch (expression) {
          case Expr.Literal e -> e.value();
          case Expr.Name e -> {
            run.charge(scope.depth());
            Value found = scope.get(e.name());
            yield found != null ? found : new Undefined("'" + e.name() + "' is undefined");
          }
          case Expr.Attribute e -> attribute(evaluate(e.target(), scope), e.name());
          case Expr.Item e -> item(evaluate(e.target(), scope), evaluate(e.index(), scope));
          case Expr.Slice e -> slice(e, scope);
          case Expr.Call e -> call(evaluate(e.callee(), scope), arguments(e.arguments(), scope));
          case Expr.Filtered e -> filter(evaluate(e.input(), scope), e.filter(), scope);
          case Expr.Tested e -> {
            Arguments arguments = arguments(e.arguments(), scope);
            boolean holds = Tests.apply(run, e.test(), evaluate(e.input(), scope), arguments);
            yield Value.of(holds != e.negated());
          }
          case Expr.Unary e -> Operators.unary(run, e.operator(), evaluate(e.operand(), scope));
          case Expr.Binary e ->
              Operators.binary(
                  run, e.operator(), evaluate(e.left(), scope), evaluate(e.right(), scope));
          case Expr.Comparison e -> comparison(e, scope);
          case Expr.And e -> {
            Value left = evaluate(e.left(), scope);
            yield left.isTrue() ? evaluate(e.right(), scope) : left;
          }
          case Expr.Or e -> {
            Value left = evaluate(e.left(), scope);
            yield left.isTrue() ? left : evaluate(e.right(), scope);
          }
          case Expr.Not e -> Value.of(!evaluate(e.operand(), scope).isTrue());
          case Expr.Concat e -> {
            TextBuilder out = new TextBuilder(run);
            for (Expr part : e.parts()) {
              Printer.append(run, evaluate(part, scope), out);
            }
            yield out.build();
          }
          case Expr.Conditional e -> {
            if (evaluate(e.condition(), scope).isTrue()) {
              yield evaluate(e.then(), scope);
            }
            yield e.otherwise() != null
                ? evaluate(e.otherwise(), scope)
                : new Undefined("an 'if' expression without 'else' was false");
          }
          case Expr.SeqOf e -> {
            List<Value> items = new ArrayList<>(e.items().size());
            for (Expr item : e.items()) {
              items.add(evaluate(item, scope));
            }
            yield run.seq(items, e.kind());
          }
          case Expr.DictOf e -> {
            LinkedHashMap<Object, Value.Entry> entries = new LinkedHashMap<>();
            for (int i = 0; i < e.keys().size(); i++) {
              put(entries, evaluate(e.keys().get(i), scope), evaluate(e.values().get(i), scope));
            }
            yield run.dict(entries);
          }
        };
    run.leave();
    return value;
  }

  private void put(LinkedHashMap<Object, Value.Entry> entries, Value key, Value value) {
    // As in Python, a key that is there already stays as it was written first.
    entries.merge(
        Operators.key(run, key),
        new Value.Entry(key, value),
        (old, now) -> new Value.Entry(old.key(), now.value()));
  }

  private Value comparison(Expr.Comparison e, Scope scope) {
    Value left = evaluate(e.first(), scope);
    for (int i = 0; i < e.operators().size(); i++) {
      Value right = evaluate(e.others().get(i), scope);
      if (!Operators.compare(run, e.operators().get(i), left, right)) {
        return Value.FALSE;
      }
      left = right;
    }
    return Value.TRUE;
  }

  Arguments arguments(Expr.CallArguments written, Scope scope) {
    if (written == Expr.CallArguments.NONE) {
      return Arguments.NONE;
    }
    List<Value> positional = new ArrayList<>();
    for (Expr argument : written.positional()) {
      positional.add(evaluate(argument, scope));
    }
    if (written.starArgs() != null) {
      List<Value> more = Operators.iterate(run, evaluate(written.starArgs(), scope));
      run.chargeElements(more.size());
      positional.addAll(more);
    }
    Map<String, Value> named = new LinkedHashMap<>();
    written.named().forEach((name, argument) -> named.put(name, evaluate(argument, scope)));
    if (written.starKwargs() != null) {
      Value more = evaluate(written.starKwargs(), scope);
      if (!(more instanceof Dict dict)) {
        throw run.error("'**' needs a dict, not " + more.typeName());
      }
      run.chargeElements(dict.entries().size());
      for (Value.Entry entry : dict.entries().values()) {
        if (!(entry.key() instanceof Text name)) {
          throw run.error("'**' needs a dict whose keys are strings");
        }
        if (named.put(name.chars(), entry.value()) != null) {
          throw run.error("the argument '" + name + "' is given twice");
        }
      }
    }
    return new Arguments(positional, named);
  }

  Value call(Value callee, Arguments arguments) {
    return switch (callee) {
      case Value.Function function -> function.body().call(run, arguments);
      case Undefined u -> throw run.error(u.what());
      default -> throw run.error("a value of type " + callee.typeName() + " cannot be called");
    };
  }

  Value filter(Value input, Expr.FilterCall filter, Scope scope) {
    return Filters.apply(run, filter.name(), input, arguments(filter.arguments(), scope));
  }

  private Value attribute(Value target, String name) {
    return Lookup.attribute(run, target, name);
  }

  private Value item(Value target, Value index) {
    return Lookup.item(run, target, index);
  }

  private Value slice(Expr.Slice e, Scope scope) {
    Value target = evaluate(e.target(), scope);
    Long start = bound(e.start(), scope);
    Long stop = bound(e.stop(), scope);
    Long step = bound(e.step(), scope);
    return switch (target) {
      case Undefined u -> throw run.error(u.what());
      case Text text -> Lookup.slice(run, text, start, stop, step);
      case Seq seq when seq.kind() != Value.SeqKind.LAZY ->
          run.seq(Lookup.slice(run, seq.items(), start, stop, step), seq.kind());
      default -> new Undefined("a value of type " + target.typeName() + " cannot be sliced");
    };
  }

  private Long bound(Expr expression, Scope scope) {
    if (expression == null) {
      return null;
    }
    return switch (evaluate(expression, scope)) {
      case None _ -> null;
      case Int i -> i.value();
      case Value value -> {
        Long integer = Operators.asLong(value);
        if (integer == null) {
          throw run.error("a slice needs integers, not " + value.typeName());
        }
        yield integer;
      }
    };
  }
}
