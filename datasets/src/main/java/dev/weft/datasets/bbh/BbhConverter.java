package dev.weft.datasets.bbh;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Converts a folder of BIG-Bench Hard to OpenAI Batch lines for {@code /v1/completions}.
 *
 * <p>The folder holds {@code bbh/<task>.json} and {@code cot-prompts/<task>.txt}. A prompt is the
 * task's chain-of-thought prompt, an empty line, {@code Q: <question>}, and {@code A: Let's think
 * step by step.}, each on its own line. Where prompts must be shorter, whole worked examples are
 * left out, the first ones first, and the same ones for every question of a task: its longest
 * question decides, so that all its prompts keep one common prefix. Questions are never cut.
 *
 * @param maxPromptCharacters most UTF-16 characters of a prompt. A task whose longest question does
 *     not fit even without worked examples keeps only its description; its longest prompts are then
 *     longer than this
 * @param maxTokens {@code max_tokens} of every request
 * @param model {@code model} of every request
 */
public record BbhConverter(int maxPromptCharacters, int maxTokens, String model) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ANSWER_START = "\nA: Let's think step by step.\n";

  public BbhConverter {
    if (maxPromptCharacters < 1 || maxTokens < 1) {
      throw new IllegalArgumentException(
          "maxPromptCharacters is "
              + maxPromptCharacters
              + " and maxTokens is "
              + maxTokens
              + ": both must be at least 1");
    }
  }

  /**
   * What a conversion wrote.
   *
   * @param requests number of lines
   * @param tasksWithDroppedShots tasks that lost worked examples to the length limit
   * @param promptsOverLimit prompts that are longer than the limit all the same
   */
  public record Summary(int requests, int tasksWithDroppedShots, int promptsOverLimit) {}

  /**
   * Writes one request for each question, tasks in alphabetical order, and the right answers beside
   * it. Holds one question at a time.
   *
   * @param folder the BIG-Bench Hard folder
   * @param requests file of OpenAI Batch lines to write; ids are {@code bbh-<task>-<n>}, n from 0
   * @param expected file of lines with {@code custom_id}, {@code task} and {@code expected}
   * @throws IOException if a file is missing, malformed, or cannot be read or written
   */
  public Summary convert(Path folder, Path requests, Path expected) throws IOException {
    List<Path> tasks = taskFiles(folder.resolve("bbh"));
    try (BufferedWriter requestLines = Files.newBufferedWriter(requests);
        BufferedWriter expectedLines = Files.newBufferedWriter(expected)) {
      Counts counts = new Counts();
      for (Path task : tasks) {
        convertTask(folder, task, requestLines, expectedLines, counts);
      }
      return new Summary(counts.requests, counts.tasksWithDroppedShots, counts.promptsOverLimit);
    }
  }

  private static final class Counts {
    int requests;
    int tasksWithDroppedShots;
    int promptsOverLimit;
  }

  private void convertTask(
      Path folder, Path file, BufferedWriter requests, BufferedWriter expected, Counts counts)
      throws IOException {
    String fileName = file.getFileName().toString();
    String task = fileName.substring(0, fileName.length() - ".json".length());
    CotPrompt prompt = CotPrompt.read(folder.resolve("cot-prompts").resolve(task + ".txt"));

    int[] longestQuestion = {0};
    BbhTask.read(
        file,
        (input, target) ->
            longestQuestion[0] = Math.max(longestQuestion[0], ending(input).length()));
    String prefix = prompt.prefix(maxPromptCharacters - longestQuestion[0]);
    if (prefix.length() < prompt.prefix(Integer.MAX_VALUE).length()) {
      counts.tasksWithDroppedShots++;
    }

    int[] number = {0};
    BbhTask.read(
        file,
        (input, target) -> {
          String id = "bbh-" + task + "-" + number[0]++;
          String text = prefix + ending(input);
          if (text.length() > maxPromptCharacters) {
            counts.promptsOverLimit++;
          }
          counts.requests++;
          requests.append(requestLine(id, text)).append('\n');
          ObjectNode answer = JSON.createObjectNode().put("custom_id", id).put("task", task);
          expected.append(answer.put("expected", target).toString()).append('\n');
        });
  }

  private static String ending(String question) {
    return "\n\nQ: " + question + ANSWER_START;
  }

  private String requestLine(String id, String prompt) {
    ObjectNode line = JSON.createObjectNode();
    line.put("custom_id", id).put("method", "POST").put("url", "/v1/completions");
    ObjectNode body = line.putObject("body");
    body.put("model", model).put("prompt", prompt);
    body.put("max_tokens", maxTokens).put("temperature", 0);
    return line.toString();
  }

  private static List<Path> taskFiles(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new IOException(
          folder + " is not a folder: give the folder that holds bbh and cot-prompts");
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> tasks = files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
      if (tasks.isEmpty()) {
        throw new IOException(folder + " holds no .json files");
      }
      return tasks;
    }
  }
}
