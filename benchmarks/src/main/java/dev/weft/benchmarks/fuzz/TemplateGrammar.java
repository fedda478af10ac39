package dev.weft.benchmarks.fuzz;

import java.util.List;
import java.util.random.RandomGenerator;

/** Writes templates that are mostly valid and often do too much. */
final class TemplateGrammar {
  private static final List<String> ATOMS =
      List.of(
          "messages",
          "messages[0]",
          "messages[0].content",
          "m",
          "x",
          "y",
          "i",
          "loop",
          "loop.index",
          "ns.a",
          "bos_token",
          "none",
          "true",
          "1",
          "0",
          "-1",
          "7",
          "100000",
          "9223372036854775807",
          "0.5",
          "1e308",
          "1e-300",
          "'a'",
          "'<|im_end|>'",
          "'%s%d%.3f'",
          "'%.0f'",
          "'%(a)s'",
          "' '",
          "''",
          "[]",
          "{}",
          "[1, 'a', none]",
          "{'a': 1, 'b': [2]}",
          "range(100000)",
          "range(9)",
          "big",
          "many");
  private static final List<String> FILTERS =
      List.of(
          "abs",
          "capitalize",
          "count",
          "default(1)",
          "dictsort",
          "e",
          "first",
          "float",
          "format(1, 'a')",
          "indent(1000)",
          "int",
          "items",
          "join(', ')",
          "join(big)",
          "last",
          "length",
          "list",
          "lower",
          "map('upper')",
          "map('round')",
          "map('tojson')",
          "map(attribute='content')",
          "max",
          "min",
          "reject('none')",
          "replace('a', big)",
          "replace('', 'aa')",
          "reverse",
          "round(400)",
          "round(2, 'ceil')",
          "safe",
          "select('string')",
          "selectattr('role', 'eq', 'user')",
          "sort",
          "string",
          "sum",
          "title",
          "tojson",
          "tojson(indent=64)",
          "trim",
          "trim(big)",
          "unique",
          "upper",
          "nothing");
  private static final List<String> METHODS =
      List.of(
          ".split('a')",
          ".split()",
          ".rsplit('a', 2)",
          ".splitlines()",
          ".partition('a')",
          ".replace('a', 'aa')",
          ".join(many)",
          ".count('')",
          ".count('aa')",
          ".find(big)",
          ".startswith('a')",
          ".strip(big)",
          ".title()",
          ".upper()",
          ".removeprefix('a')",
          ".isdigit()",
          ".isupper()",
          ".items()",
          ".keys()",
          ".values()",
          ".get('a', 1)",
          ".index(1)",
          ".content",
          ".role",
          ".__class__",
          "['a']",
          "[0]",
          "[-1]",
          "[::-1]",
          "[1:]",
          "[::2]",
          "[9223372036854775807:]",
          "()",
          "(1)",
          "(*many)",
          "(**{'a': 1})");
  private static final List<String> OPERATORS =
      List.of("+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "not in", "and", "or");
  private static final List<String> TESTS =
      List.of(
          "defined",
          "none",
          "string",
          "mapping",
          "iterable",
          "odd",
          "divisibleby(2)",
          "lower",
          "in(many)");
  private static final String SET_UP =
      "{% set big = 'a' * 100000 %}{% set many = range(10000)|list %}{% set ns = namespace(a='a') %}";

  private final RandomGenerator random;
  private final StringBuilder out = new StringBuilder();
  private int left;

  private TemplateGrammar(RandomGenerator random) {
    this.random = random;
    left = 4 + random.nextInt(24);
  }

  static String next(RandomGenerator random) {
    var grammar = new TemplateGrammar(random);
    if (random.nextInt(4) > 0) {
      grammar.out.append(SET_UP);
    }
    while (grammar.left > 0) {
      grammar.statement(0);
    }
    return grammar.out.toString();
  }

  private void statement(int depth) {
    left--;
    int kind = depth > 6 ? random.nextInt(4) : random.nextInt(14);
    switch (kind) {
      case 0, 1 -> out.append("{{ ").append(expression(0)).append(" }}");
      case 2 -> out.append(Texts.next(random));
      case 3 ->
          out.append("{% set ").append(target()).append(" = ").append(expression(0)).append(" %}");
      case 4, 5, 6 -> {
        out.append("{% for i in ")
            .append(expression(0))
            .append(random.nextInt(5) == 0 ? " if i %}" : " %}");
        block(depth, "endfor");
      }
      case 7 -> {
        out.append("{% if ").append(expression(0)).append(" %}");
        statement(depth + 1);
        out.append("{% elif ").append(expression(0)).append(" %}");
        block(depth, "endif");
      }
      case 8 -> {
        out.append("{% macro f(x=1, y=f) %}");
        block(depth, "endmacro");
        out.append("{{ f(").append(expression(1)).append(") }}");
      }
      case 9 -> {
        out.append("{% set x %}");
        block(depth, "endset");
      }
      case 10 -> {
        out.append("{% filter ").append(pick(FILTERS)).append(" %}");
        block(depth, "endfilter");
      }
      case 11 -> {
        out.append("{% call f(x) %}");
        block(depth, "endcall");
      }
      case 12 -> {
        out.append("{% with y = ").append(expression(0)).append(" %}");
        block(depth, "endwith");
      }
      default -> out.append(random.nextBoolean() ? "{% break %}" : "{{ f(f) }}");
    }
  }

  private void block(int depth, String end) {
    int statements = random.nextInt(1, 4);
    for (int i = 0; i < statements; i++) {
      statement(depth + 1);
    }
    out.append("{% ").append(end).append(" %}");
  }

  private String target() {
    return pick(List.of("x", "y", "ns.a", "x, y", "big", "many"));
  }

  private String expression(int depth) {
    if (depth > 5) {
      return pick(ATOMS);
    }
    return switch (random.nextInt(14)) {
      case 0, 1, 2, 3 -> pick(ATOMS);
      case 4, 5 -> expression(depth + 1) + "|" + pick(FILTERS);
      case 6, 7 -> expression(depth + 1) + pick(METHODS);
      case 8, 9, 10 ->
          "(" + expression(depth + 1) + " " + pick(OPERATORS) + " " + expression(depth + 1) + ")";
      case 11 -> expression(depth + 1) + " is " + pick(TESTS);
      case 12 -> "[" + expression(depth + 1) + ", " + expression(depth + 1) + "]";
      default -> "strftime_now('%Y %B %d' * " + expression(depth + 1) + ")";
    };
  }

  private String pick(List<String> from) {
    return from.get(random.nextInt(from.size()));
  }
}
