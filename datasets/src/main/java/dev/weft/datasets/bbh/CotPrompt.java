package dev.weft.datasets.bbh;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The chain-of-thought prompt of one task: what the task is, and worked examples.
 *
 * @param description the lines before the first example
 * @param shots worked examples in order, each from {@code Q:} to the end of its answer
 */
record CotPrompt(String description, List<String> shots) {
  private static final String HEADER_END = "-----\n";
  private static final String SHOT_START = "\n\nQ: ";

  CotPrompt {
    shots = List.copyOf(shots);
  }

  /**
   * Reads a file of {@code cot-prompts}. The header, which only asks to keep the file out of
   * training corpora, is no part of the prompt.
   *
   * @throws IOException if the file cannot be read or has no header
   */
  static CotPrompt read(Path file) throws IOException {
    String text = Files.readString(file).replace("\r\n", "\n");
    int header = text.indexOf(HEADER_END);
    if (header < 0) {
      throw new IOException(
          file + ": no line of five hyphens after the header; is this a chain-of-thought prompt?");
    }
    String body = text.substring(header + HEADER_END.length()).strip();
    List<String> parts = new ArrayList<>();
    int start = 0;
    for (int next; (next = body.indexOf(SHOT_START, start)) >= 0; start = next + 2) {
      parts.add(body.substring(start, next));
    }
    parts.add(body.substring(start));
    return new CotPrompt(parts.getFirst(), parts.subList(1, parts.size()));
  }

  /**
   * The prompt's text with as many worked examples as fit, from the last one backwards: the
   * examples nearest to the question stay.
   *
   * @param maxCharacters most UTF-16 characters of the result; the description always stays
   */
  String prefix(int maxCharacters) {
    int first = shots.size();
    int length = description.length();
    while (first > 0 && length + 2 + shots.get(first - 1).length() <= maxCharacters) {
      first--;
      length += 2 + shots.get(first).length();
    }
    StringBuilder prefix = new StringBuilder(description);
    for (String shot : shots.subList(first, shots.size())) {
      prefix.append("\n\n").append(shot);
    }
    return prefix.toString();
  }
}
