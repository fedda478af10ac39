package dev.weft.kernels.template;

import java.io.Serial;

/** A chat template that cannot be read, or a conversation that cannot be rendered with it. */
public final class TemplateException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private static final int MAX_CHARS = 1000;

  /** Whose fault it is, and so what the caller does with it. */
  public enum Kind {
    /** The template is not valid: no request can be rendered with it. */
    SYNTAX,
    /** The template did something undefined with this conversation, such as adding text to none. */
    EVALUATION,
    /** The template went beyond a limit of the sandbox: steps, output, nesting. */
    LIMIT,
    /** The conversation is not one this template takes, such as roles that do not alternate. */
    REQUEST
  }

  private final Kind kind;
  private final int line;
  private final String what;
  private final String hint;

  TemplateException(Kind kind, int line, String what, String hint) {
    super((line > 0 ? "chat template line " + line + ": " : "") + cut(what) + ". " + hint);
    this.kind = kind;
    this.line = line;
    this.what = cut(what);
    this.hint = hint;
  }

  /** A template chooses its own words, and each row that it refuses holds them. */
  private static String cut(String what) {
    return what.length() <= MAX_CHARS ? what : what.substring(0, MAX_CHARS) + "...";
  }

  public Kind kind() {
    return kind;
  }

  /** Line of the template's source, from 1; 0 where no line is at fault. */
  public int line() {
    return line;
  }

  /**
   * What is wrong, without line and hint; of a template's own {@code raise_exception}, its text.
   */
  public String what() {
    return what;
  }

  /** How to put it right. */
  public String hint() {
    return hint;
  }
}
