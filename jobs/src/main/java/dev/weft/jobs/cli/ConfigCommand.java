package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigDocs;
import dev.weft.jobs.config.ConfigSource;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.secret.Secrets;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code weft config}. */
@Command(
    name = "config",
    description =
        "Lists every configuration key with the value it would have; values that differ from the"
            + " default are marked.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft config",
      "  weft config --conf my.conf --set engine.threads=4",
      "  weft config --markdown > docs/configuration.md"
    })
final class ConfigCommand implements Callable<Integer> {
  private final Terminal terminal;
  @Mixin private JobOptions job = new JobOptions();

  @Option(names = "--markdown", description = "Print the reference of all keys as Markdown.")
  private boolean markdown;

  ConfigCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    if (markdown) {
      terminal.out().print(ConfigDocs.markdown());
      return ExitCode.OK.number();
    }
    Map<String, String> defaults = WeftConfig.defaults().entries();
    Map<String, String> values =
        Secrets.hide(
            job.source(ConfigSource.defaults(), ConfigSource.submitted()).read().entries());
    int width = values.keySet().stream().mapToInt(String::length).max().orElse(0);
    values.forEach(
        (key, value) ->
            terminal
                .out()
                .println(
                    (value.equals(defaults.get(key)) ? "  " : "* ")
                        + key
                        + " ".repeat(width - key.length())
                        + " = "
                        + value));
    return ExitCode.OK.number();
  }
}
