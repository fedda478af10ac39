package dev.weft.kernels.template;

/**
 * A piece of a template's source.
 *
 * @param text literal text, a name, an operator, the digits of a number, or the value of a string
 * @param line from 1
 */
record Token(Type type, String text, int line) {
  enum Type {
    DATA,
    BLOCK_BEGIN,
    BLOCK_END,
    OUTPUT_BEGIN,
    OUTPUT_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Type wanted, String wantedText) {
    return type == wanted && text.equals(wantedText);
  }

  /** How an error message shows the token. */
  String shown() {
    return switch (type) {
      case END -> "the end of the template";
      case BLOCK_END -> "%}";
      case OUTPUT_END -> "}}";
      case DATA, BLOCK_BEGIN, OUTPUT_BEGIN -> "text";
      case STRING -> "a string";
      case NAME, INTEGER, FLOAT, OPERATOR ->
          "'" + (text.length() > 40 ? text.substring(0, 40) + "…" : text) + "'";
    };
  }
}
