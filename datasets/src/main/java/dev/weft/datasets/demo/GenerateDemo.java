package dev.weft.datasets.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes the demo workload: {@code requests.jsonl} and {@code expected.jsonl} from the held-out
 * side, and, if examples for training are asked for, a folder {@code training} with {@code
 * tasks.json}, {@code training.jsonl} and {@code validation.jsonl}.
 */
public final class GenerateDemo {
  /** Seed of the files in {@code datasets/demo}. */
  public static final long SHIPPED_SEED = 2026;

  /** Number of requests in {@code datasets/demo/requests.jsonl}. */
  public static final int SHIPPED_REQUESTS = 2_100;

  private static final String USAGE =
      "usage: GenerateDemo SEED REQUESTS TRAINING_EXAMPLES_PER_TASK FOLDER\n"
          + "for example: GenerateDemo "
          + SHIPPED_SEED
          + " "
          + SHIPPED_REQUESTS
          + " 0 datasets/demo";

  private static final int VALIDATION_EXAMPLES_PER_TASK = 200;
  private static final ObjectMapper JSON = new ObjectMapper();

  private GenerateDemo() {}

  /** Runs with the arguments of the usage line; exits with 2 if they are wrong. */
  public static void main(String[] args) throws IOException {
    if (args.length != 4) {
      System.err.println(USAGE);
      System.exit(2);
    }
    try {
      Path folder = Path.of(args[3]);
      DemoGenerator generator = new DemoGenerator(Long.parseLong(args[0]));
      writeRequests(generator, Integer.parseInt(args[1]), folder);
      int training = Integer.parseInt(args[2]);
      if (training > 0) {
        writeTraining(generator, training, folder.resolve("training"));
      }
    } catch (IllegalArgumentException e) {
      System.err.println("wrong argument: " + e.getMessage() + "\n" + USAGE);
      System.exit(2);
    }
  }

  /** Writes {@code requests.jsonl} and {@code expected.jsonl} into the folder. */
  public static void writeRequests(DemoGenerator generator, int count, Path folder)
      throws IOException {
    List<DemoRequest> requests = generator.requests(DemoSplit.HELD_OUT, count);
    Files.createDirectories(folder);
    try (BufferedWriter lines = Files.newBufferedWriter(folder.resolve("requests.jsonl"));
        BufferedWriter expected = Files.newBufferedWriter(folder.resolve("expected.jsonl"))) {
      for (DemoRequest request : requests) {
        lines.append(request.toBatchLine()).append('\n');
        expected.append(request.toExpectedLine()).append('\n');
      }
    }
  }

  private static void writeTraining(DemoGenerator generator, int perTask, Path folder)
      throws IOException {
    Files.createDirectories(folder);
    ObjectNode tasks = JSON.createObjectNode();
    for (DemoTask task : DemoTask.all()) {
      tasks
          .putObject(task.name())
          .put("instructions", task.instructions())
          .put("max_tokens", task.maxTokens());
    }
    Files.writeString(folder.resolve("tasks.json"), tasks.toPrettyString() + "\n");
    writeExamples(generator, DemoSplit.TRAINING, perTask, folder.resolve("training.jsonl"));
    writeExamples(
        generator,
        DemoSplit.VALIDATION,
        VALIDATION_EXAMPLES_PER_TASK,
        folder.resolve("validation.jsonl"));
  }

  private static void writeExamples(
      DemoGenerator generator, DemoSplit split, int perTask, Path file) throws IOException {
    try (BufferedWriter lines = Files.newBufferedWriter(file)) {
      for (DemoTask task : DemoTask.all()) {
        DemoGenerator.ExampleSource source = generator.examples(task, split);
        for (int i = 0; i < perTask; i++) {
          DemoExample example = source.next();
          ObjectNode line = JSON.createObjectNode().put("task", task.name());
          line.put("user", example.user()).put("answer", example.answer());
          lines.append(line.toString()).append('\n');
        }
      }
    }
  }
}
