package dev.weft.benchmarks.cpu;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.datasets.bbh.BbhConverter;
import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.tokenizer.Tokenizer;
import dev.weft.kernels.tokenizer.huggingface.FolderTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Questions of BIG-Bench Hard behind the worked examples of their task, as token ids of SmolLM2's
 * tokenizer, whose vocabulary is that of the 135M shape; shuffled as they come in a table.
 *
 * @param prompts token ids
 * @param tasks different prefixes
 */
record BbhPrompts(List<int[]> prompts, int tasks) {
  /** Requests of a task in the whole workload: 512 of 27 tasks. */
  private static final int PER_TASK = 19;

  private static final int VOCABULARY = 49_152;

  /**
   * @param data holds {@code requests/bbh} and {@code tokenizers/smollm2-tokenizer.json}
   * @param count requests; of fewer tasks where there are few, so that as much is shared
   * @param vocabSize of the model; greater ids, for the tiny model, become others
   * @throws PeerException if the data are not there
   */
  static BbhPrompts read(Path data, int count, int vocabSize, long seed)
      throws IOException, PeerException {
    Path folder = data.resolve("requests/bbh");
    Path tokenizerFile = data.resolve("tokenizers/smollm2-tokenizer.json");
    if (!Files.isDirectory(folder) || !Files.exists(tokenizerFile)) {
      throw new PeerException(
          "requests/bbh and tokenizers/smollm2-tokenizer.json are not in "
              + data
              + "; give their folder with --data");
    }
    Path temporary = Files.createTempDirectory("weft-bbh");
    try {
      Tokenizer tokenizer = tokenizer(tokenizerFile, temporary);
      Map<String, List<String>> byTask = texts(folder, temporary, seed);
      int tasks = Math.clamp(Math.ceilDiv(count, PER_TASK), 1, byTask.size());
      List<List<String>> chosen = new ArrayList<>(byTask.values()).subList(0, tasks);
      List<int[]> prompts = new ArrayList<>();
      for (int i = 0; prompts.size() < count; i++) {
        List<String> task = chosen.get(i % tasks);
        int[] ids = tokenizer.encode(task.get(i / tasks % task.size()));
        for (int t = 0; t < ids.length; t++) {
          ids[t] = ids[t] < vocabSize ? ids[t] : 3 + ids[t] % (vocabSize - 3);
        }
        prompts.add(ids);
      }
      Collections.shuffle(prompts, new Random(seed));
      return new BbhPrompts(prompts, tasks);
    } finally {
      delete(temporary);
    }
  }

  int longest() {
    return prompts.stream().mapToInt(p -> p.length).max().orElse(0);
  }

  long tokens() {
    return prompts.stream().mapToLong(p -> p.length).sum();
  }

  private static Tokenizer tokenizer(Path file, Path temporary) throws IOException {
    Path folder = Files.createDirectory(temporary.resolve("tokenizer"));
    Files.copy(file, folder.resolve("tokenizer.json"));
    Path config = Files.writeString(folder.resolve("config.json"), "{}");
    return FolderTokenizer.open(folder, JsonObject.read(config, 1 << 10), VOCABULARY).tokenizer();
  }

  /** The questions of each task, shuffled, the tasks too. */
  private static Map<String, List<String>> texts(Path folder, Path temporary, long seed)
      throws IOException {
    Path lines = temporary.resolve("requests.jsonl");
    new BbhConverter(Integer.MAX_VALUE, 1, "none")
        .convert(folder, lines, temporary.resolve("expected.jsonl"));
    ObjectMapper json = new ObjectMapper();
    Map<String, List<String>> byTask = new LinkedHashMap<>();
    for (String line : Files.readAllLines(lines)) {
      var request = json.readTree(line);
      String id = request.path("custom_id").asText();
      byTask
          .computeIfAbsent(id.substring(0, id.lastIndexOf('-')), t -> new ArrayList<>())
          .add(request.path("body").path("prompt").asText());
    }
    Random random = new Random(seed);
    List<String> names = new ArrayList<>(byTask.keySet());
    Collections.shuffle(names, random);
    Map<String, List<String>> shuffled = new LinkedHashMap<>();
    for (String name : names) {
      Collections.shuffle(byTask.get(name), random);
      shuffled.put(name, byTask.get(name));
    }
    return shuffled;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .sorted(Collections.reverseOrder())
          .forEach(
              file -> {
                try {
                  Files.delete(file);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }
}
