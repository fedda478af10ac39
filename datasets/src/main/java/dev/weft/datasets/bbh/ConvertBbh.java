package dev.weft.datasets.bbh;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Command line of {@link BbhConverter}. */
public final class ConvertBbh {
  private static final String USAGE =
      """
      usage: ConvertBbh BBH_FOLDER OUT_FOLDER [MAX_PROMPT_CHARACTERS [MAX_TOKENS [MODEL]]]
      Writes OUT_FOLDER/requests.jsonl and OUT_FOLDER/expected.jsonl.
      Defaults: prompts are not shortened, 256 tokens, model "any".\
      """;

  private ConvertBbh() {}

  /** Exits with 2 on wrong arguments and with 1 if the conversion fails. */
  public static void main(String[] args) {
    if (args.length < 2 || args.length > 5) {
      System.err.println(USAGE);
      System.exit(2);
    }
    try {
      Path out = Path.of(args[1]);
      BbhConverter converter =
          new BbhConverter(
              args.length > 2 ? Integer.parseInt(args[2]) : Integer.MAX_VALUE,
              args.length > 3 ? Integer.parseInt(args[3]) : 256,
              args.length > 4 ? args[4] : "any");
      Files.createDirectories(out);
      BbhConverter.Summary summary =
          converter.convert(
              Path.of(args[0]), out.resolve("requests.jsonl"), out.resolve("expected.jsonl"));
      System.out.printf(
          "%d requests; %d tasks without some worked examples; %d prompts over the limit%n",
          summary.requests(), summary.tasksWithDroppedShots(), summary.promptsOverLimit());
    } catch (IllegalArgumentException e) {
      System.err.println("wrong argument: " + e.getMessage() + "\n" + USAGE);
      System.exit(2);
    } catch (IOException e) {
      System.err.println("cannot convert: " + e.getMessage());
      System.exit(1);
    }
  }
}
