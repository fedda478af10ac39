package dev.weft.kernels.template;

import dev.weft.kernels.template.Node.Macro;
import dev.weft.kernels.template.Node.Target;
import dev.weft.kernels.template.Value.Function;
import dev.weft.kernels.template.Value.Namespace;
import dev.weft.kernels.template.Value.SeqKind;
import dev.weft.kernels.template.Value.Undefined;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Executes statements. One per rendering. */
final class Interpreter {
  /** How a body ended. */
  private enum End {
    DONE,
    BREAK,
    CONTINUE
  }

  private final Run run;
  private final Evaluator evaluator;

  private Interpreter(Run run) {
    this.run = run;
    this.evaluator = new Evaluator(run);
  }

  static Text render(List<Node> template, Map<String, Value> variables, Run run) {
    Map<String, Value> globals = new HashMap<>(Builtins.GLOBALS);
    globals.putAll(variables);
    TextBuilder out = new TextBuilder(run);
    new Interpreter(run).execute(template, Scope.of(globals), out);
    return out.build();
  }

  private End execute(List<Node> nodes, Scope scope, TextBuilder out) {
    run.enter();
    End end = End.DONE;
    for (Node node : nodes) {
      end = execute(node, scope, out);
      if (end != End.DONE) {
        break;
      }
    }
    run.leave();
    return end;
  }

  private End execute(Node node, Scope scope, TextBuilder out) {
    run.charge(1);
    switch (node) {
      case Node.Data data -> out.append(data.text());
      case Node.Output output -> {
        run.at(output.line());
        Printer.append(run, evaluator.evaluate(output.value(), scope), out);
      }
      case Node.If choice -> {
        return chooseIn(choice, scope, out);
      }
      case Node.For loop -> {
        return loop(loop, scope, out);
      }
      case Node.Set set -> {
        run.at(set.line());
        assign(set.target(), evaluator.evaluate(set.value(), scope), scope);
      }
      case Node.SetBlock set -> {
        TextBuilder captured = new TextBuilder(run);
        End end = execute(set.body(), new Scope(scope), captured);
        if (end != End.DONE) {
          return end;
        }
        run.at(set.line());
        assign(set.target(), filtered(captured.build(), set.filters(), scope), scope);
      }
      case Node.FilterBlock block -> {
        TextBuilder captured = new TextBuilder(run);
        End end = execute(block.body(), new Scope(scope), captured);
        if (end != End.DONE) {
          return end;
        }
        run.at(block.line());
        Printer.append(run, filtered(captured.build(), block.filters(), scope), out);
      }
      case Node.DefineMacro define ->
          scope.set(define.macro().name(), function(define.macro(), scope));
      case Node.CallBlock block -> {
        run.at(block.line());
        Expr.Call call = block.call();
        Value callee = evaluator.evaluate(call.callee(), scope);
        Arguments given = evaluator.arguments(call.arguments(), scope);
        Map<String, Value> named = new HashMap<>(given.named());
        named.put("caller", function(block.caller(), scope));
        Arguments arguments = new Arguments(given.positional(), named);
        Printer.append(run, evaluator.call(callee, arguments), out);
      }
      case Node.With with -> {
        run.at(with.line());
        Scope inner = new Scope(scope);
        for (int i = 0; i < with.targets().size(); i++) {
          Value value = evaluator.evaluate(with.values().get(i), scope);
          assign(with.targets().get(i), value, inner);
        }
        return execute(with.body(), inner, out);
      }
      case Node.Scoped scoped -> {
        return execute(scoped.body(), new Scope(scope), out);
      }
      case Node.Break _ -> {
        return End.BREAK;
      }
      case Node.Continue _ -> {
        return End.CONTINUE;
      }
    }
    return End.DONE;
  }

  private End chooseIn(Node.If choice, Scope scope, TextBuilder out) {
    for (Node.Branch branch : choice.branches()) {
      run.at(branch.line());
      if (evaluator.evaluate(branch.condition(), scope).isTrue()) {
        return execute(branch.body(), scope, out);
      }
    }
    return execute(choice.otherwise(), scope, out);
  }

  private End loop(Node.For node, Scope scope, TextBuilder out) {
    run.at(node.line());
    List<Value> items = Operators.iterate(run, evaluator.evaluate(node.items(), scope));
    if (node.filter() != null) {
      List<Value> kept = new ArrayList<>();
      for (Value item : items) {
        Scope turn = new Scope(scope);
        assign(node.target(), item, turn);
        if (evaluator.evaluate(node.filter(), turn).isTrue()) {
          run.chargeElements(1);
          kept.add(item);
        }
      }
      items = kept;
    }
    if (items.isEmpty()) {
      return execute(node.otherwise(), new Scope(scope), out);
    }
    Loop loop = new Loop(items);
    for (int i = 0; i < items.size(); i++) {
      loop.moveTo(i);
      Scope turn = new Scope(scope);
      turn.set("loop", loop);
      assign(node.target(), items.get(i), turn);
      if (execute(node.body(), turn, out) == End.BREAK) {
        break;
      }
    }
    return End.DONE;
  }

  private Value filtered(Text captured, List<Expr.FilterCall> filters, Scope scope) {
    Value value = captured;
    for (Expr.FilterCall filter : filters) {
      value = evaluator.filter(value, filter, scope);
    }
    return value;
  }

  private void assign(Target target, Value value, Scope scope) {
    switch (target) {
      case Target.Variable variable -> scope.set(variable.name(), value);
      case Target.Attribute attribute -> {
        if (!(scope.get(attribute.namespace()) instanceof Namespace namespace)) {
          throw run.error(
              "cannot assign to an attribute of '"
                  + attribute.namespace()
                  + "', which is no namespace");
        }
        run.chargeElements(1);
        namespace.attributes().put(attribute.name(), value);
      }
      case Target.Unpack unpack -> {
        List<Value> values = Operators.iterate(run, value);
        if (values.size() != unpack.targets().size()) {
          throw run.error(
              "cannot unpack " + values.size() + " values into " + unpack.targets().size());
        }
        for (int i = 0; i < values.size(); i++) {
          assign(unpack.targets().get(i), values.get(i), scope);
        }
      }
    }
  }

  private Function function(Macro macro, Scope definedIn) {
    return new Function(
        macro.name(), (_, arguments) -> call(macro, arguments, new Scope(definedIn)));
  }

  private Value call(Macro macro, Arguments arguments, Scope scope) {
    int callLine = run.line();
    bind(macro, arguments, scope);
    TextBuilder out = new TextBuilder(run);
    execute(macro.body(), scope, out);
    run.at(callLine);
    return out.build();
  }

  private void bind(Macro macro, Arguments arguments, Scope scope) {
    List<String> parameters = macro.parameters();
    Map<String, Value> named = new HashMap<>(arguments.named());
    int given = Math.min(parameters.size(), arguments.positional().size());
    int firstDefault = parameters.size() - macro.defaults().size();
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i);
      Value byName = named.remove(name);
      if (i < given) {
        if (byName != null) {
          throw run.error("macro '" + macro.name() + "' is given '" + name + "' twice");
        }
        scope.set(name, arguments.positional().get(i));
      } else if (byName != null) {
        scope.set(name, byName);
      } else if (i >= firstDefault) {
        scope.set(name, evaluator.evaluate(macro.defaults().get(i - firstDefault), scope));
      } else {
        scope.set(name, new Undefined("parameter '" + name + "' was not provided"));
      }
    }
    Value caller = named.remove("caller");
    if (caller != null) {
      scope.set("caller", caller);
    }
    List<Value> more = arguments.positional().subList(given, arguments.positional().size());
    if (macro.takesVarargs()) {
      scope.set("varargs", run.seq(more, SeqKind.TUPLE));
    } else if (!more.isEmpty()) {
      throw run.error(
          "macro '" + macro.name() + "' takes at most " + parameters.size() + " arguments");
    }
    if (macro.takesKwargs()) {
      scope.set("kwargs", Builtins.dictOf(run, named));
    } else if (!named.isEmpty()) {
      throw run.error(
          "macro '"
              + macro.name()
              + "' takes no argument '"
              + named.keySet().iterator().next()
              + "'");
    }
  }
}
