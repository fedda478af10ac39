package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigSource;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code weft plan}. */
@Command(
    name = "plan",
    description = {
      "Shows what a run would do and cost; runs no request and writes nothing.",
      "",
      "The order, the prompt tokens that prefix sharing saves, and predicted time, memory and cost of each policy."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:planned", "1:planning failed", "2:bad usage"},
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft plan --input requests.jsonl --model model.gguf",
      "  weft plan -i requests.jsonl -m model.gguf --set engine.kvBytes=512MiB --json",
      "  weft plan -i lake/requests --format delta -m model.gguf --set cost.pricePerHour=0.34 --set cost.currency=EUR"
    })
final class PlanCommand implements Callable<Integer> {
  private final Terminal terminal;
  @Mixin private JobOptions job = new JobOptions();
  @Mixin private RunOptions options = new RunOptions();

  PlanCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    return new JobRunner(terminal, options)
        .plan(job.source(ConfigSource.defaults(), ConfigSource.submitted()).read())
        .number();
  }
}
