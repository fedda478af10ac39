package dev.weft.jobs.job;

import dev.weft.jobs.config.WeftConfig;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Configurations and results of jobs in tests. */
final class JobFixture {
  private JobFixture() {}

  /** A job in {@code folder}. */
  static WeftConfig config(Path folder, String input, Map<String, String> more) {
    Map<String, String> keys = new HashMap<>();
    keys.put("model.path", TestSpark.stories().toString());
    keys.put("input.paths", input);
    keys.put("output.path", folder.resolve("out").toString());
    keys.put(
        "calibration.folder",
        Path.of(System.getProperty("java.io.tmpdir"), "weft-test-rates").toString());
    // The predictions of these jobs are not looked at.
    keys.put("calibration.seconds", "1");
    keys.put("plan.sampleFraction", "0");
    keys.putAll(more);
    return WeftConfig.of(keys);
  }

  /** Answers by id: status, text and all choices, without anything that depends on the run. */
  static Map<String, String> answers(SparkSession spark, String output, String runId) {
    Map<String, String> answers = new TreeMap<>();
    for (Row row :
        spark
            .read()
            .format("delta")
            .load(output + "/results")
            .where("run_id = '" + runId + "'")
            .selectExpr(
                "coalesce(id, concat('row ', row_key)) as id",
                "to_json(struct(status, text, finish_reason, choices, prompt_tokens, output_tokens,"
                    + " error.code)) as answer")
            .collectAsList()) {
      if (answers.put(row.getString(0), row.getString(1)) != null) {
        throw new AssertionError("the id " + row.getString(0) + " is there twice");
      }
    }
    return answers;
  }
}
