package dev.weft.jobs.job;

import dev.weft.jobs.config.BuildInfo;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.Outcomes;
import dev.weft.jobs.sink.ResultRows;
import dev.weft.jobs.state.Manifest;
import dev.weft.jobs.state.RunFolder;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** What a run has answered so far, as a table, while it runs. */
public final class PartialResults {
  private PartialResults() {}

  /**
   * Rows of a run that are done, in the columns of the result table. It shows the ledger as it is
   * when this is called; the run is not disturbed.
   *
   * @param output the run's output folder
   * @throws WeftException if the run has not prepared its rows yet
   */
  public static Dataset<Row> of(SparkSession spark, String output, String runId) {
    RunFolder folder = new RunFolder(output, runId, spark.sparkContext().hadoopConfiguration());
    RunState state = new RunState(spark, folder);
    Map<String, String> computes =
        folder.read(folder.manifest(), Manifest.class).map(Manifest::computes).orElse(null);
    if (computes == null || !state.isPrepared()) {
      throw new WeftException(
          ErrorCode.RUN_UNKNOWN, "run %s in %s has no prepared rows yet".formatted(runId, output));
    }
    String[] model = computes.get("model").split(" sha256:", 2);
    ResultRows.Origin origin =
        new ResultRows.Origin(
            runId, model[0], model[1], computes.get("engine.backend"), BuildInfo.version());
    return ResultRows.of(
            state.prepared(),
            state.duplicates(),
            Outcomes.byRequest(state.outcomes())
                .join(state.doneRows(), new String[] {"row_key"}, "left_semi"),
            state.carried(),
            origin)
        .where(ResultRows.isDone());
  }
}
