package dev.weft.kernels.template;

import dev.weft.kernels.template.TemplateException.Kind;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * One rendering: where it is, and what it has left of the sandbox's limits. A template works within
 * a budget of steps that every evaluation, every character handled and every list element made is
 * charged to, so neither its time nor its memory is without bound.
 */
final class Run {
  /** Steps every rendering has; a step is one node evaluated. */
  static final long BASE_STEPS = 2_000_000;

  /** Longest text any expression or the output may have, beside what the messages bring. */
  static final long BASE_TEXT_CHARS = 1_000_000;

  /** Nodes, macros and values lie at most this deep within each other. */
  static final int MAX_DEPTH = 300;

  private static final int MAX_VALUE_NESTING = 60;
  private static final int MAX_RANGE = 100_000;
  // What the messages bring may be copied a few times over by any sound template.
  private static final int STEPS_PER_INPUT_CHAR = 16;
  private static final int COPIES_OF_INPUT = 4;
  private static final int CHARS_PER_STEP = 2;
  private static final int STEPS_PER_ELEMENT = 8;
  private static final int STEPS_PER_DECIMAL = 50;

  private final LocalDate date;
  private final long maxTextChars;
  private long stepsLeft;
  private int depth;
  private int line;

  Run(LocalDate date, long inputChars) {
    this.date = date;
    this.maxTextChars = BASE_TEXT_CHARS + COPIES_OF_INPUT * inputChars;
    this.stepsLeft = BASE_STEPS + STEPS_PER_INPUT_CHAR * inputChars;
  }

  LocalDate date() {
    return date;
  }

  int line() {
    return line;
  }

  void at(int newLine) {
    line = newLine;
  }

  /** Goes one level deeper; the caller leaves again unless an exception ends the run. */
  void enter() {
    if (++depth > MAX_DEPTH) {
      throw limit(
          "it nests expressions, statements or macro calls more than " + MAX_DEPTH + " deep");
    }
    charge(1);
  }

  void leave() {
    depth--;
  }

  void charge(long steps) {
    stepsLeft -= steps;
    if (stepsLeft < 0) {
      throw limit("it takes more steps than any chat template needs");
    }
  }

  /** Charges for characters that are looked at or copied. */
  void chargeChars(long chars) {
    if (chars > 0) {
      charge((chars + CHARS_PER_STEP - 1) / CHARS_PER_STEP);
    }
  }

  /** Charges for characters added to a text that has some already, before they are added. */
  void chargeChars(long present, long added) {
    if (present + added > maxTextChars) {
      throw limit("it makes a text of more than " + maxTextChars + " characters");
    }
    chargeChars(added);
  }

  /** Charges for decimal arithmetic over all digits of a number. */
  void chargeDigits() {
    charge(STEPS_PER_DECIMAL);
  }

  void chargeElements(long n) {
    // No product: n may be anything up to Long.MAX_VALUE.
    if (n > stepsLeft) {
      stepsLeft = 0;
    }
    charge(n * STEPS_PER_ELEMENT);
  }

  Value.Seq list(List<Value> items) {
    return seq(items, Value.SeqKind.LIST);
  }

  Value.Seq seq(List<Value> items, Value.SeqKind kind) {
    chargeElements(items.size());
    int nesting = 0;
    for (Value item : items) {
      nesting = Math.max(nesting, nestingOf(item));
    }
    return new Value.Seq(items, kind, deeper(nesting));
  }

  Value.Dict dict(LinkedHashMap<Object, Value.Entry> entries) {
    chargeElements(entries.size());
    int nesting = 0;
    for (Value.Entry entry : entries.values()) {
      nesting = Math.max(nesting, nestingOf(entry.value()));
    }
    return new Value.Dict(entries, deeper(nesting));
  }

  private int deeper(int nesting) {
    if (nesting >= MAX_VALUE_NESTING) {
      throw limit("it nests lists and dicts more than " + MAX_VALUE_NESTING + " deep");
    }
    return nesting + 1;
  }

  private static int nestingOf(Value value) {
    return switch (value) {
      case Value.Seq s -> s.nesting();
      case Value.Dict d -> d.nesting();
      default -> 0;
    };
  }

  /** Refuses ranges longer than Jinja2's own sandbox allows. */
  void checkRange(long length) {
    if (length > MAX_RANGE) {
      throw limit("range() of more than " + MAX_RANGE + " numbers");
    }
  }

  TemplateException error(String what) {
    return new TemplateException(
        Kind.EVALUATION,
        line,
        what,
        "The template cannot render this conversation; check that it is the template of this model"
            + " and that the messages are what it expects, or use another template");
  }

  TemplateException limit(String what) {
    return new TemplateException(
        Kind.LIMIT,
        line,
        "the template was stopped, because " + what,
        "Templates run in a sandbox with fixed limits; use another template or a smaller request");
  }

  TemplateException rejected(String message) {
    return new TemplateException(
        Kind.REQUEST,
        line,
        message,
        "The model's chat template refuses this conversation; change its messages");
  }
}
