package dev.weft.kernels.template;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The chat templates of well-known models, which are not part of the project. */
final class SharedTemplates {
  private SharedTemplates() {}

  static Path folder() {
    Path folder = Path.of(System.getProperty("weft.shared.data", "absent"), "templates");
    assumeTrue(
        Files.isDirectory(folder),
        "skipped: the templates are not in " + folder + "; set -Dweft.shared.data");
    return folder;
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
