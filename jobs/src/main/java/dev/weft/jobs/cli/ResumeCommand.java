package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.config.ConfigSource;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.secret.Secrets;
import dev.weft.jobs.state.RunConfiguration;
import dev.weft.jobs.state.RunFolder;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weft resume}. */
@Command(
    name = "resume",
    description = {
      "Continues a run with the settings of its latest start. What is in the ledger is not run"
          + " again.",
      "",
      "Options that change no answer (threads, policy, memory, ...) may be given anew."
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
      "  weft resume nightly-1 --output results/",
      "  weft resume nightly-1 -o results/ --threads 8"
    })
final class ResumeCommand implements Callable<Integer> {
  private static final Map<String, String> DEFAULTS = WeftConfig.defaults().entries();

  private final Terminal terminal;
  @Mixin private JobOptions job = new JobOptions();
  @Mixin private RunOptions options = new RunOptions();

  @Parameters(index = "0", paramLabel = "RUN", description = "The run; `weft runs` lists them.")
  private String runId;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      required = true,
      description = "The output folder of the run.")
  private String output;

  ResumeCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    RunFolder folder = new RunFolder(output, runId, RunPlace.hadoopConfiguration());
    Map<String, String> before =
        folder
            .read(folder.configuration(), RunConfiguration.class)
            .orElseThrow(
                () ->
                    new WeftException(
                        ErrorCode.RUN_UNKNOWN,
                        "no start of a run %s is known in %s".formatted(runId, output)))
            .settings();
    Map<String, String> base = new HashMap<>(before);
    base.values().removeIf(value -> value.contains(Secrets.HIDDEN));
    Map<String, String> own = new LinkedHashMap<>();
    own.put("run.id", runId);
    own.put("output.path", output);
    WeftConfig config =
        job.source(
                ConfigSource.defaults().withOverrides("run " + runId, base),
                ConfigSource.submitted())
            .withOverrides("command line", own)
            .read();
    List<String> hidden =
        before.keySet().stream()
            .filter(key -> !base.containsKey(key))
            .filter(key -> config.entries().get(key).equals(DEFAULTS.get(key)))
            .toList();
    if (!hidden.isEmpty()) {
      throw new ConfigException(
          "run %s does not keep settings that hold secrets; give them again with --set: %s"
              .formatted(runId, String.join(", ", hidden)));
    }
    return new JobRunner(terminal, options).run(config).number();
  }
}
