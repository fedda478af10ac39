package dev.weft.datasets.bbh;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Path;

/** Reads the questions of one task file, one at a time. */
final class BbhTask {
  private static final JsonFactory JSON = new JsonFactory();

  private BbhTask() {}

  /** Takes a question and its right answer. */
  @FunctionalInterface
  interface QuestionSink {
    void accept(String input, String target) throws IOException;
  }

  /**
   * Passes every element of the file's {@code examples} to the sink, in order. Other fields are
   * skipped.
   *
   * @throws IOException if the file cannot be read, is no JSON object, has no {@code examples}, or
   *     an example lacks {@code input} or {@code target}
   */
  static void read(Path file, QuestionSink sink) throws IOException {
    boolean found = false;
    try (JsonParser parser = JSON.createParser(file.toFile())) {
      expect(file, parser, parser.nextToken(), JsonToken.START_OBJECT);
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean examples = parser.currentName().equals("examples");
        parser.nextToken();
        if (examples) {
          expect(file, parser, parser.currentToken(), JsonToken.START_ARRAY);
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            readExample(file, parser, sink);
          }
          found = true;
        } else {
          parser.skipChildren();
        }
      }
    } catch (JsonProcessingException e) {
      throw new IOException(
          file
              + ", line "
              + e.getLocation().getLineNr()
              + ": no valid JSON: "
              + e.getOriginalMessage(),
          e);
    }
    if (!found) {
      throw new IOException(file + ": no field \"examples\"; is this a task of BIG-Bench Hard?");
    }
  }

  private static void readExample(Path file, JsonParser parser, QuestionSink sink)
      throws IOException {
    expect(file, parser, parser.currentToken(), JsonToken.START_OBJECT);
    String input = null;
    String target = null;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      switch (name) {
        case "input" -> input = text(file, parser);
        case "target" -> target = text(file, parser);
        default -> parser.skipChildren();
      }
    }
    if (input == null || target == null) {
      throw new IOException(
          where(file, parser) + ": an example needs \"input\" and \"target\", both strings");
    }
    sink.accept(input, target);
  }

  private static String text(Path file, JsonParser parser) throws IOException {
    expect(file, parser, parser.currentToken(), JsonToken.VALUE_STRING);
    return parser.getText();
  }

  private static void expect(Path file, JsonParser parser, JsonToken token, JsonToken wanted)
      throws IOException {
    if (token != wanted) {
      throw new IOException(where(file, parser) + ": expected " + wanted + " and found " + token);
    }
  }

  private static String where(Path file, JsonParser parser) {
    return file + ", line " + parser.currentLocation().getLineNr();
  }
}
