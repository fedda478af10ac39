package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigSource;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code weft plan}. */
@Command(
    name = "plan",
    description = {
      "Shows what a run would do and cost; runs no request and writes nothing.",
      "",
      "The order, where prompts share tokens, and predicted time (with a range), memory and cost of each policy."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:planned", "1:planning failed", "2:bad usage", "130:interrupted"},
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft plan -i requests.jsonl -m model.gguf --picture schedule.svg",
      "  weft plan --input requests.jsonl --model model.gguf",
      "  weft plan -i requests.jsonl -m model.gguf --set engine.kvBytes=512MiB --json",
      "  weft plan -i lake/requests --format delta -m model.gguf --set cost.pricePerHour=0.34 --set cost.currency=EUR"
    })
final class PlanCommand implements Callable<Integer> {
  private final Terminal terminal;
  @Mixin private JobOptions job = new JobOptions();
  @Mixin private RunOptions options = new RunOptions();

  @Option(
      names = "--picture",
      paramLabel = "FILE",
      description =
          "Draws the predicted use of compute, memory and KV cache over time for each policy into an .svg or .html file.")
  private Path picture;

  PlanCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    return new JobRunner(terminal, options)
        .plan(job.source(ConfigSource.defaults(), ConfigSource.submitted()).read(), picture)
        .number();
  }
}
