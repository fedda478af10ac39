package dev.weft.kernels.template;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The chat templates of well-known models, which are not part of the project. */
final class SharedTemplates {
  private SharedTemplates() {}

  private static final Path FOLDER =
      Path.of(System.getProperty("weft.shared.data", "absent"), "templates");

  static Path folder() {
    assumeTrue(
        Files.isDirectory(FOLDER),
        "skipped: the templates are not in " + FOLDER + "; set -Dweft.shared.data");
    return FOLDER;
  }

  /** Templates to try things on: the project's own, and all others where they are. */
  static List<String> anyAtHand() throws IOException {
    List<String> sources = new ArrayList<>();
    for (DefaultTemplate template : DefaultTemplate.values()) {
      sources.add(template.source());
    }
    for (JsonNode snippet : Goldens.read().document().get("snippets")) {
      sources.add(snippet.get("source").asText());
    }
    if (Files.isDirectory(FOLDER)) {
      sources.addAll(all().values());
    }
    return sources;
  }

  /** The templates by file name. */
  static Map<String, String> files() throws IOException {
    Map<String, String> sources = new TreeMap<>();
    try (Stream<Path> paths = Files.list(folder().resolve("llama.cpp"))) {
      for (Path path : paths.filter(p -> p.toString().endsWith(".jinja")).toList()) {
        sources.put(path.getFileName().toString(), Files.readString(path));
      }
    }
    return sources;
  }

  /**
   * Those, and the ones listed beside the rendered goldens as {@code templates.jsonl:line:format}.
   */
  static Map<String, String> all() throws IOException {
    Map<String, String> sources = files();
    List<String> lines =
        Files.readAllLines(folder().resolve("rendered-goldens").resolve("templates.jsonl"));
    for (int i = 0; i < lines.size(); i++) {
      for (Map.Entry<String, JsonNode> e : new ObjectMapper().readTree(lines.get(i)).properties()) {
        sources.put("templates.jsonl:" + (i + 1) + ":" + e.getKey(), e.getValue().asText());
      }
    }
    return sources;
  }
}
