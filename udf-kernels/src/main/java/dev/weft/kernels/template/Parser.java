package dev.weft.kernels.template;

import dev.weft.kernels.template.Expr.FilterCall;
import dev.weft.kernels.template.Node.Target;
import dev.weft.kernels.template.Token.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reads the statements of a template. */
final class Parser {
  private static final Set<String> NOT_FOR_CHAT =
      Set.of("include", "import", "from", "extends", "block", "autoescape", "trans", "do", "debug");

  private final ExprParser expressions;
  private int loops;

  private Parser(List<Token> tokens) {
    expressions = new ExprParser(tokens);
  }

  static List<Node> parse(String source) {
    Parser parser = new Parser(Lexer.tokens(source));
    return parser.parseBody();
  }

  /** Statements up to one of the tags, or to the end of the template if none is given. */
  private List<Node> parseBody(String... ends) {
    expressions.enter();
    List<Node> nodes = new ArrayList<>();
    int openLine = expressions.peek().line();
    while (true) {
      Token token = expressions.next();
      switch (token.type()) {
        case DATA -> nodes.add(new Node.Data(Text.trusted(token.text())));
        case OUTPUT_BEGIN -> {
          nodes.add(new Node.Output(expressions.parseTuple(true), token.line()));
          expressions.expect(Type.OUTPUT_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          Token tag = expressions.peek();
          if (tag.type() == Type.NAME && Arrays.asList(ends).contains(tag.text())) {
            expressions.leave();
            return nodes;
          }
          nodes.add(parseStatement());
        }
        case END -> {
          if (ends.length > 0) {
            throw new Syntax(openLine)
                .error("the block that begins here has no {% " + ends[ends.length - 1] + " %}");
          }
          expressions.leave();
          return nodes;
        }
        default -> throw new Syntax(token.line()).error("unexpected " + token.shown());
      }
    }
  }

  /** The body of a block, its end tag included. */
  private List<Node> parseBlock(String end) {
    endTag();
    List<Node> body = parseBody(end);
    expressions.next();
    endTag();
    return body;
  }

  private void endTag() {
    expressions.expect(Type.BLOCK_END, "'%}'");
  }

  private Node parseStatement() {
    Token tag = expressions.expect(Type.NAME, "the name of a tag");
    int line = tag.line();
    return switch (tag.text()) {
      case "if" -> parseIf();
      case "for" -> parseFor(line);
      case "set" -> parseSet(line);
      case "macro" -> {
        String name = expressions.expect(Type.NAME, "the name of the macro").text();
        yield new Node.DefineMacro(parseMacro(name, "endmacro", line));
      }
      case "call" -> parseCallBlock(line);
      case "filter" -> {
        List<FilterCall> filters = new ArrayList<>();
        do {
          filters.add(expressions.parseFilterCall());
        } while (expressions.skipOperator("|"));
        yield new Node.FilterBlock(filters, parseBlock("endfilter"), line);
      }
      case "with" -> parseWith(line);
      case "generation" -> new Node.Scoped(parseBlock("endgeneration"));
      case "break", "continue" -> {
        if (loops == 0) {
          throw new Syntax(line).error("{% " + tag.text() + " %} stands outside of a loop");
        }
        endTag();
        yield tag.text().equals("break") ? new Node.Break() : new Node.Continue();
      }
      default -> throw unknownTag(tag);
    };
  }

  private static TemplateException unknownTag(Token tag) {
    if (NOT_FOR_CHAT.contains(tag.text())) {
      return new Syntax(tag.line())
          .error("the tag '" + tag.text() + "' is not supported", "Chat templates stand alone");
    }
    return new Syntax(tag.line()).error("unknown tag " + tag.shown());
  }

  private Node parseIf() {
    List<Node.Branch> branches = new ArrayList<>();
    List<Node> otherwise = List.of();
    int line = expressions.peek().line();
    Expr condition = expressions.parseTuple(true);
    while (true) {
      endTag();
      branches.add(new Node.Branch(condition, parseBody("elif", "else", "endif"), line));
      Token tag = expressions.next();
      line = tag.line();
      if (!tag.text().equals("elif")) {
        if (tag.text().equals("else")) {
          endTag();
          otherwise = parseBody("endif");
          expressions.next();
        }
        endTag();
        return new Node.If(branches, otherwise);
      }
      condition = expressions.parseTuple(true);
    }
  }

  private Node parseFor(int line) {
    Target target = parseTarget();
    Token in = expressions.next();
    if (!in.is(Type.NAME, "in")) {
      throw new Syntax(in.line()).error("expected 'in', found " + in.shown());
    }
    Expr items = expressions.parseTuple(false);
    Expr filter = expressions.skipIf(Type.NAME, "if") ? expressions.parse() : null;
    if (expressions.peek().is(Type.NAME, "recursive")) {
      throw new Syntax(line).error("recursive loops are not supported", "Use a macro");
    }
    endTag();
    loops++;
    List<Node> body = parseBody("else", "endfor");
    loops--;
    List<Node> otherwise = List.of();
    if (expressions.next().text().equals("else")) {
      endTag();
      otherwise = parseBody("endfor");
      expressions.next();
    }
    endTag();
    return new Node.For(target, items, filter, body, otherwise, line);
  }

  private Node parseSet(int line) {
    Target target = parseTarget();
    if (expressions.skipOperator("=")) {
      Expr value = expressions.parseTuple(true);
      endTag();
      return new Node.Set(target, value, line);
    }
    List<FilterCall> filters = new ArrayList<>();
    while (expressions.skipOperator("|")) {
      filters.add(expressions.parseFilterCall());
    }
    return new Node.SetBlock(target, filters, parseBlock("endset"), line);
  }

  private Node parseWith(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (expressions.peek().type() != Type.BLOCK_END) {
      if (!targets.isEmpty()) {
        expressions.expectOperator(",");
      }
      targets.add(parseOneTarget());
      expressions.expectOperator("=");
      values.add(expressions.parse());
    }
    return new Node.With(targets, values, parseBlock("endwith"), line);
  }

  private Node parseCallBlock(int line) {
    // The parameters stand before the call, its body after it: the body is read as a macro's.
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    if (expressions.peek().is(Type.OPERATOR, "(")) {
      parseParameters(parameters, defaults);
    }
    Expr call = expressions.parse();
    if (!(call instanceof Expr.Call macroCall)) {
      throw new Syntax(line).error("{% call %} needs the call of a macro");
    }
    Node.Macro caller = parseMacroBody("caller", parameters, defaults, "endcall", line);
    return new Node.CallBlock(caller, macroCall, line);
  }

  private Node.Macro parseMacro(String name, String end, int line) {
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    parseParameters(parameters, defaults);
    return parseMacroBody(name, parameters, defaults, end, line);
  }

  private Node.Macro parseMacroBody(
      String name, List<String> parameters, List<Expr> defaults, String end, int line) {
    int loopsAround = loops;
    loops = 0;
    Set<String> outer = expressions.namesSeenSince(new HashSet<>());
    List<Node> body = parseBlock(end);
    Set<String> seen = expressions.namesSeenSince(outer);
    loops = loopsAround;
    return new Node.Macro(
        name, parameters, defaults, body, seen.contains("varargs"), seen.contains("kwargs"), line);
  }

  private void parseParameters(List<String> parameters, List<Expr> defaults) {
    expressions.expectOperator("(");
    while (!expressions.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        expressions.expectOperator(",");
        if (expressions.skipOperator(")")) {
          break;
        }
      }
      Token name = expressions.expect(Type.NAME, "the name of a parameter");
      parameters.add(name.text());
      if (expressions.skipOperator("=")) {
        defaults.add(expressions.parse());
      } else if (!defaults.isEmpty()) {
        throw new Syntax(name.line())
            .error("the parameter " + name.shown() + " without a default follows one with");
      }
    }
  }

  private Target parseTarget() {
    Target first = parseOneTarget();
    if (!expressions.peek().is(Type.OPERATOR, ",")) {
      return first;
    }
    List<Target> targets = new ArrayList<>(List.of(first));
    while (expressions.skipOperator(",")) {
      if (expressions.peek().type() != Type.NAME && !expressions.peek().is(Type.OPERATOR, "(")) {
        break;
      }
      if (expressions.peek().is(Type.NAME, "in")) {
        break;
      }
      targets.add(parseOneTarget());
    }
    return new Target.Unpack(targets);
  }

  private Target parseOneTarget() {
    if (expressions.skipOperator("(")) {
      expressions.enter();
      Target inner = parseTarget();
      expressions.leave();
      expressions.expectOperator(")");
      return inner;
    }
    Token name = expressions.expect(Type.NAME, "the name of a variable");
    if (Set.of("true", "false", "none", "True", "False", "None").contains(name.text())) {
      throw new Syntax(name.line()).error("cannot assign to " + name.shown());
    }
    if (expressions.skipOperator(".")) {
      String attribute = expressions.expect(Type.NAME, "the name of an attribute").text();
      return new Target.Attribute(name.text(), attribute);
    }
    return new Target.Variable(name.text());
  }
}
