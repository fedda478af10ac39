package dev.weft.jobs.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.jobs.ledger.FinishedRow;
import dev.weft.jobs.ledger.LedgerScan;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.state.RunFolder;
import dev.weft.jobs.state.RunStatus;
import dev.weft.jobs.store.StorageErrors;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code weft partial}. */
@Command(
    name = "partial",
    description = {
      "Prints the answers that a run has finished so far, one JSON object per line, in no order.",
      "",
      "Nothing of the run is disturbed. Rows that never ran (errors of the input, copies of an",
      "identical request) are not there before the run is complete."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  weft partial nightly-1 --output results/ > so-far.jsonl"})
final class PartialCommand implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();

  private final Terminal terminal;
  @Mixin private RunPlace place = new RunPlace();

  @Parameters(index = "0", paramLabel = "RUN", description = "The run; `weft runs` lists them.")
  private String runId;

  PartialCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    RunFolder folder = place.folder(runId);
    RunStatus.of(folder);
    List<String> damaged;
    try {
      damaged =
          LedgerScan.each(folder.storage(), folder.pieces(PieceName.Kind.RESULTS), this::print);
    } catch (IOException e) {
      throw StorageErrors.of("the ledger cannot be read", e);
    }
    if (!damaged.isEmpty()) {
      terminal
          .err()
          .printf(
              "note: %d pieces are torn or being written and were left out, e.g. %s%n",
              damaged.size(), damaged.getFirst());
    }
    return ExitCode.OK.number();
  }

  private void print(FinishedRow row) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("id", row.id());
    line.put("sample", row.sample());
    line.put("status", row.errorCode() == null ? "ok" : "error");
    line.put("text", row.errorCode() == null ? row.text() : null);
    line.put("finish_reason", row.errorCode() == null ? row.finishReason() : null);
    line.put("error_code", row.errorCode());
    line.put("error_message", row.errorMessage());
    line.put("prompt_tokens", row.promptTokens());
    line.put("output_tokens", row.outputTokens());
    line.put("row_key", row.rowKey());
    try {
      terminal.out().println(JSON.writeValueAsString(line));
    } catch (IOException e) {
      throw new IllegalStateException("a row is plain values", e);
    }
  }
}
