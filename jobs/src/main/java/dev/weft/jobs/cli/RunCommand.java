package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigSource;
import dev.weft.jobs.config.WeftConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code weft run}. */
@Command(
    name = "run",
    description = {
      "Answers every request of a table.",
      "",
      "The same command again continues a run that was stopped, and repeats nothing."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:every row has an answer",
      "1:the job failed; starting it again continues it",
      "2:bad usage: nothing was started",
      "3:the job is complete, some rows are error rows"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft run --input requests.jsonl --model model.gguf --output results/",
      "  weft run -i 'in/*.parquet' -m model.gguf -o results/ --set sampling.temperature=0.7 --set run.seed=7",
      "  weft run -i lake/requests --format delta -m model.gguf -o results/ --run-id nightly-1 --fail-on-error",
      "  weft run --conf conf/examples/laptop.conf -i requests.jsonl -m model.gguf -o results/"
    })
final class RunCommand implements Callable<Integer> {
  private final Terminal terminal;
  @Mixin private JobOptions job = new JobOptions();
  @Mixin private RunOptions options = new RunOptions();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      description = "Folder for results, metrics and report (output.path).")
  private String output;

  @Option(names = "--run-id", paramLabel = "NAME", description = "Name of the run (run.id).")
  private String runId;

  @Option(names = "--fail-on-error", description = "Stop at the first error row (run.failOnError).")
  private boolean failOnError;

  RunCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    Map<String, String> flags = new LinkedHashMap<>();
    JobOptions.put(flags, "output.path", output);
    JobOptions.put(flags, "run.id", runId);
    JobOptions.put(flags, "run.failOnError", failOnError ? "true" : null);
    WeftConfig config =
        job.source(ConfigSource.defaults(), ConfigSource.submitted())
            .withOverrides("command line", flags)
            .read();
    return new JobRunner(terminal, options).run(config).number();
  }
}
