package dev.weft.jobs.notebook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A note as Zeppelin stores it. */
record ZeppelinNote(JsonNode json) {
  private static final Pattern FORM = Pattern.compile("\\$\\{(\\w+)(=[^}]*)?}");
  private static final String SQL = "%spark.sql";

  static ZeppelinNote read(Path file) throws IOException {
    return new ZeppelinNote(new ObjectMapper().readTree(file.toFile()));
  }

  List<JsonNode> paragraphs() {
    List<JsonNode> paragraphs = new ArrayList<>();
    json.required("paragraphs").forEach(paragraphs::add);
    return paragraphs;
  }

  /** The statements of a paragraph with its form fields filled in; none if it holds no SQL. */
  static List<String> statements(JsonNode paragraph, Map<String, String> forms) {
    String text = paragraph.required("text").asText();
    if (!text.startsWith(SQL)) {
      return List.of();
    }
    String filled =
        FORM.matcher(text.substring(SQL.length()))
            .replaceAll(
                form -> {
                  String value = forms.get(form.group(1));
                  if (value == null) {
                    throw new IllegalArgumentException("the note asks for " + form.group(1));
                  }
                  return Matcher.quoteReplacement(value);
                });
    return Arrays.stream(filled.split(";\\s*\\n")).map(String::strip).toList();
  }
}
