package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.config.ConfigSource;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.secret.Secrets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code weft demo}. */
@Command(
    name = "demo",
    description =
        "Runs the whole job on the requests and the small model that come with Weft, and scores the"
            + " answers.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:every row has an answer",
      "1:the job failed; starting it again continues it",
      "2:bad usage: nothing was started",
      "3:the job is complete, some rows are error rows"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft demo",
      "  weft demo --policy fcfs --output weft-out/demo-fcfs",
      "  weft demo --set engine.budgetTokens=512 --progress plain"
    })
final class DemoCommand implements Callable<Integer> {
  private static final Path FOLDER = Path.of("datasets", "demo");

  private final Terminal terminal;
  @Mixin private JobOptions job = new JobOptions();
  @Mixin private RunOptions options = new RunOptions();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      description = "Folder for results, metrics and report (default: weft-out/demo-<time>).")
  private String output;

  DemoCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    Path folder =
        terminal
            .home()
            .orElseThrow(
                () ->
                    new ConfigException(
                        "the demo's files are not known; start it with the weft script of a"
                            + " checkout"))
            .resolve(FOLDER);
    String time = LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    Map<String, String> demo = new LinkedHashMap<>();
    demo.put("model.path", file(folder, "weft-demo.gguf"));
    demo.put("input.expectedPath", file(folder, "expected.jsonl"));
    demo.put("output.path", Path.of("weft-out", "demo-" + time).toString());
    ConfigSource base =
        ConfigSource.defaults()
            .withPaths(List.of(file(folder, "requests.jsonl")))
            .withOverrides("demo", demo);
    Map<String, String> flags = new LinkedHashMap<>();
    JobOptions.put(flags, "output.path", output);
    WeftConfig config =
        job.source(base, ConfigSource.submitted()).withOverrides("command line", flags).read();
    if (!options.json()) {
      terminal
          .err()
          .println(
              Secrets.hide(
                  "demo: " + config.input().paths().getFirst() + " → " + config.output().path()));
    }
    return new JobRunner(terminal, options).run(config).number();
  }

  private static String file(Path folder, String name) {
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new ConfigException(
          "the demo needs %s, which is missing; check out the repository again".formatted(file));
    }
    return file.toString();
  }
}
