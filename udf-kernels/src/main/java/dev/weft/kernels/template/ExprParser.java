package dev.weft.kernels.template;

import dev.weft.kernels.template.Expr.CallArguments;
import dev.weft.kernels.template.Expr.FilterCall;
import dev.weft.kernels.template.Token.Type;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads expressions by recursive descent, with Jinja2's own precedences. */
final class ExprParser {
  private static final int MAX_NESTING = 100;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  // Words that end a test without arguments rather than begin its argument.
  private static final Set<String> AFTER_TEST =
      Set.of("else", "or", "and", "is", "if", "not", "in");

  private final List<Token> tokens;
  private int at;
  private int nesting;
  private Set<String> namesSeen = new HashSet<>();

  ExprParser(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(at);
  }

  private Token peekNext() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  Token next() {
    Token token = tokens.get(at);
    if (token.type() != Type.END) {
      at++;
    }
    return token;
  }

  boolean skipIf(Type type, String text) {
    if (peek().is(type, text)) {
      at++;
      return true;
    }
    return false;
  }

  boolean skipOperator(String text) {
    return skipIf(Type.OPERATOR, text);
  }

  Token expect(Type type, String shown) {
    Token token = next();
    if (token.type() != type) {
      throw new Syntax(token.line()).error("expected " + shown + ", found " + token.shown());
    }
    return token;
  }

  void expectOperator(String text) {
    Token token = next();
    if (!token.is(Type.OPERATOR, text)) {
      throw new Syntax(token.line()).error("expected '" + text + "', found " + token.shown());
    }
  }

  /** Names read since the last call, for what a macro's body mentions. */
  Set<String> namesSeenSince(Set<String> fresh) {
    Set<String> seen = namesSeen;
    namesSeen = fresh;
    return seen;
  }

  /** Guards every recursion of this parser and of the statements' one. */
  void enter() {
    if (++nesting > MAX_NESTING) {
      throw new Syntax(peek().line())
          .error("expressions or blocks nest more than " + MAX_NESTING + " deep");
    }
  }

  void leave() {
    nesting--;
  }

  /** An expression, or a tuple without parentheses. */
  Expr parseTuple(boolean withConditional) {
    Expr first = withConditional ? parse() : parseOr();
    if (!peek().is(Type.OPERATOR, ",")) {
      return first;
    }
    List<Expr> items = new ArrayList<>(List.of(first));
    while (skipOperator(",")) {
      if (endsTuple(peek())) {
        break;
      }
      items.add(withConditional ? parse() : parseOr());
    }
    return new Expr.SeqOf(items, Value.SeqKind.TUPLE);
  }

  private static boolean endsTuple(Token token) {
    return switch (token.type()) {
      case BLOCK_END, OUTPUT_END, END -> true;
      case OPERATOR -> token.text().equals(")");
      default -> false;
    };
  }

  Expr parse() {
    enter();
    Expr value = parseOr();
    while (skipIf(Type.NAME, "if")) {
      Expr condition = parseOr();
      Expr otherwise = skipIf(Type.NAME, "else") ? parse() : null;
      value = new Expr.Conditional(condition, value, otherwise);
    }
    leave();
    return value;
  }

  Expr parseOr() {
    Expr left = parseAnd();
    while (skipIf(Type.NAME, "or")) {
      left = new Expr.Or(left, parseAnd());
    }
    return left;
  }

  private Expr parseAnd() {
    Expr left = parseNot();
    while (skipIf(Type.NAME, "and")) {
      left = new Expr.And(left, parseNot());
    }
    return left;
  }

  private Expr parseNot() {
    if (!skipIf(Type.NAME, "not")) {
      return parseComparison();
    }
    enter();
    Expr operand = parseNot();
    leave();
    return new Expr.Not(operand);
  }

  private Expr parseComparison() {
    Expr first = parseSum();
    List<String> operators = new ArrayList<>();
    List<Expr> others = new ArrayList<>();
    while (true) {
      if (peek().type() == Type.OPERATOR && COMPARISONS.contains(peek().text())) {
        operators.add(next().text());
      } else if (skipIf(Type.NAME, "in")) {
        operators.add("in");
      } else if (peek().is(Type.NAME, "not") && peekNext().is(Type.NAME, "in")) {
        at += 2;
        operators.add("not in");
      } else {
        break;
      }
      others.add(parseSum());
    }
    return operators.isEmpty() ? first : new Expr.Comparison(first, operators, others);
  }

  private Expr parseSum() {
    Expr left = parseConcat();
    while (peek().is(Type.OPERATOR, "+") || peek().is(Type.OPERATOR, "-")) {
      left = new Expr.Binary(next().text(), left, parseConcat());
    }
    return left;
  }

  private Expr parseConcat() {
    Expr first = parseProduct();
    if (!peek().is(Type.OPERATOR, "~")) {
      return first;
    }
    List<Expr> parts = new ArrayList<>(List.of(first));
    while (skipOperator("~")) {
      parts.add(parseProduct());
    }
    return new Expr.Concat(parts);
  }

  private Expr parseProduct() {
    Expr left = parsePower();
    while (peek().type() == Type.OPERATOR
        && (peek().text().equals("*")
            || peek().text().equals("/")
            || peek().text().equals("//")
            || peek().text().equals("%"))) {
      left = new Expr.Binary(next().text(), left, parsePower());
    }
    return left;
  }

  private Expr parsePower() {
    Expr left = parseUnary(true);
    while (skipOperator("**")) {
      left = new Expr.Binary("**", left, parseUnary(true));
    }
    return left;
  }

  private Expr parseUnary(boolean withFilters) {
    Expr value;
    if (peek().is(Type.OPERATOR, "-") || peek().is(Type.OPERATOR, "+")) {
      char operator = next().text().charAt(0);
      enter();
      value = new Expr.Unary(operator, parseUnary(false));
      leave();
    } else {
      value = parsePrimary();
    }
    value = parsePostfix(value);
    return withFilters ? parseFilters(value) : value;
  }

  private Expr parsePrimary() {
    Token token = next();
    return switch (token.type()) {
      case NAME -> constantOrName(token.text());
      case STRING -> {
        StringBuilder joined = new StringBuilder(token.text());
        while (peek().type() == Type.STRING) {
          joined.append(next().text());
        }
        yield new Expr.Literal(Text.trusted(joined.toString()));
      }
      case INTEGER -> new Expr.Literal(new Value.Int(parseInteger(token)));
      case FLOAT -> new Expr.Literal(new Value.Real(Double.parseDouble(token.text())));
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parseParentheses();
            case "[" -> new Expr.SeqOf(parseItems("]", new ArrayList<>()), Value.SeqKind.LIST);
            case "{" -> parseDict();
            default -> throw unexpected(token);
          };
      default -> throw unexpected(token);
    };
  }

  private static TemplateException unexpected(Token token) {
    return new Syntax(token.line()).error("expected an expression, found " + token.shown());
  }

  private static long parseInteger(Token token) {
    try {
      return Long.parseLong(token.text());
    } catch (NumberFormatException e) {
      throw new Syntax(token.line()).error("the number " + token.shown() + " is too large");
    }
  }

  private Expr constantOrName(String name) {
    return switch (name) {
      case "true", "True" -> new Expr.Literal(Value.TRUE);
      case "false", "False" -> new Expr.Literal(Value.FALSE);
      case "none", "None" -> new Expr.Literal(Value.NONE);
      default -> {
        namesSeen.add(name);
        yield new Expr.Name(name);
      }
    };
  }

  private Expr parseParentheses() {
    if (skipOperator(")")) {
      return new Expr.SeqOf(List.of(), Value.SeqKind.TUPLE);
    }
    Expr value = parseTuple(true);
    expectOperator(")");
    return value;
  }

  private List<Expr> parseItems(String close, List<Expr> items) {
    while (!skipOperator(close)) {
      if (!items.isEmpty()) {
        expectOperator(",");
        if (skipOperator(close)) {
          break;
        }
      }
      items.add(parse());
    }
    return items;
  }

  private Expr parseDict() {
    List<Expr> keys = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (!skipOperator("}")) {
      if (!keys.isEmpty()) {
        expectOperator(",");
        if (skipOperator("}")) {
          break;
        }
      }
      keys.add(parse());
      expectOperator(":");
      values.add(parse());
    }
    return new Expr.DictOf(keys, values);
  }

  private Expr parsePostfix(Expr start) {
    Expr value = start;
    while (peek().type() == Type.OPERATOR) {
      if (skipOperator(".")) {
        Token name = next();
        value =
            switch (name.type()) {
              case NAME -> new Expr.Attribute(value, name.text());
              case INTEGER ->
                  new Expr.Item(value, new Expr.Literal(new Value.Int(parseInteger(name))));
              default ->
                  throw new Syntax(name.line())
                      .error("expected a name after '.', found " + name.shown());
            };
      } else if (skipOperator("[")) {
        value = parseSubscript(value);
      } else if (peek().is(Type.OPERATOR, "(")) {
        value = new Expr.Call(value, parseArguments());
      } else {
        break;
      }
    }
    return value;
  }

  private Expr parseSubscript(Expr target) {
    Expr start = peek().is(Type.OPERATOR, ":") ? null : parseTuple(true);
    if (start != null && skipOperator("]")) {
      return new Expr.Item(target, start);
    }
    expectOperator(":");
    Expr stop = null;
    Expr step = null;
    if (!peek().is(Type.OPERATOR, "]") && !peek().is(Type.OPERATOR, ":")) {
      stop = parse();
    }
    if (skipOperator(":") && !peek().is(Type.OPERATOR, "]")) {
      step = parse();
    }
    expectOperator("]");
    return new Expr.Slice(target, start, stop, step);
  }

  CallArguments parseArguments() {
    expectOperator("(");
    List<Expr> positional = new ArrayList<>();
    Map<String, Expr> named = new LinkedHashMap<>();
    Expr starArgs = null;
    Expr starKwargs = null;
    boolean first = true;
    while (!skipOperator(")")) {
      if (!first) {
        expectOperator(",");
        if (skipOperator(")")) {
          break;
        }
      }
      first = false;
      Token token = peek();
      if (skipOperator("**") && starKwargs == null) {
        starKwargs = parse();
      } else if (skipOperator("*") && starArgs == null) {
        starArgs = parse();
      } else if (token.type() == Type.NAME && peekNext().is(Type.OPERATOR, "=")) {
        at += 2;
        named.put(token.text(), parse());
      } else if (named.isEmpty() && starKwargs == null) {
        positional.add(parse());
      } else {
        throw new Syntax(token.line()).error("a positional argument follows a named one");
      }
    }
    return new CallArguments(positional, named, starArgs, starKwargs);
  }

  private Expr parseFilters(Expr start) {
    Expr value = start;
    while (true) {
      if (skipOperator("|")) {
        value = new Expr.Filtered(value, parseFilterCall());
      } else if (skipIf(Type.NAME, "is")) {
        value = parseTest(value);
      } else if (peek().is(Type.OPERATOR, "(")) {
        value = new Expr.Call(value, parseArguments());
      } else {
        return value;
      }
    }
  }

  FilterCall parseFilterCall() {
    String name = expect(Type.NAME, "the name of a filter").text();
    boolean called = peek().is(Type.OPERATOR, "(");
    return new FilterCall(name, called ? parseArguments() : CallArguments.NONE);
  }

  private Expr parseTest(Expr input) {
    boolean negated = skipIf(Type.NAME, "not");
    String name = expect(Type.NAME, "the name of a test").text();
    CallArguments arguments = CallArguments.NONE;
    if (peek().is(Type.OPERATOR, "(")) {
      arguments = parseArguments();
    } else if (beginsTestArgument(peek())) {
      enter();
      Expr argument = parsePostfix(parsePrimary());
      leave();
      arguments = new CallArguments(List.of(argument), Map.of(), null, null);
    }
    return new Expr.Tested(input, name, arguments, negated);
  }

  private static boolean beginsTestArgument(Token token) {
    return switch (token.type()) {
      case NAME -> !AFTER_TEST.contains(token.text());
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }
}
