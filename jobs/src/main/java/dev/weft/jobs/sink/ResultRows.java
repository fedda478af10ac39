package dev.weft.jobs.sink;

import static org.apache.spark.sql.functions.aggregate;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.element_at;
import static org.apache.spark.sql.functions.get;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.map;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.transform;
import static org.apache.spark.sql.functions.when;

import dev.weft.jobs.error.ErrorCode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/** Puts together what the result table holds. */
public final class ResultRows {
  private static final String NO_ANSWER = "the ledger holds no answer";

  private ResultRows() {}

  /** True for rows that have an answer, or an error that they will keep. */
  public static Column isDone() {
    return col("error.message").isNull().or(col("error.message").notEqual(NO_ANSWER));
  }

  /**
   * What is the same in all rows of a run.
   *
   * @param runId the run
   * @param modelName the model's name
   * @param modelSha256 hash of its file
   * @param backend kernel backend that computed the answers
   * @param weftVersion the program's version
   */
  public record Origin(
      String runId, String modelName, String modelSha256, String backend, String weftVersion) {}

  /**
   * One row for each prepared row, in no particular order.
   *
   * @param prepared columns of {@code PreparedSchema}
   * @param duplicates columns {@code row_key, kind, of_row_key, of_id, of_file, of_line}
   * @param byRequest columns {@code row_key, samples}
   * @param carried columns carried from the input
   */
  public static Dataset<Row> of(
      Dataset<Row> prepared,
      Dataset<Row> duplicates,
      Dataset<Row> byRequest,
      StructType carried,
      Origin origin) {
    Dataset<Row> dup =
        duplicates
            .drop("prompt_tokens")
            .withColumnRenamed("row_key", "dup_key")
            .withColumnRenamed("kind", "dup_kind");
    Dataset<Row> answers = byRequest.withColumnRenamed("row_key", "answer_key");
    Column sameRequest = col("dup_kind").equalTo(lit("request"));
    Dataset<Row> joined =
        prepared
            .join(dup, col("row_key").equalTo(col("dup_key")), "left")
            .withColumn("run_key", when(sameRequest, col("of_row_key")).otherwise(col("row_key")))
            .join(answers, col("run_key").equalTo(col("answer_key")), "left")
            .withColumn("first", get(col("samples"), lit(0)));

    Column sameId = col("dup_kind").equalTo(lit("id"));
    Column code =
        coalesce(
            col("error_code"),
            when(sameId, lit(ErrorCode.ID_DUPLICATE.name())),
            col("first.error_code"),
            when(col("samples").isNull(), lit(ErrorCode.INTERNAL.name())));
    Column message =
        coalesce(
            col("error_message"),
            when(
                sameId,
                concat(
                    lit("the id is that of line "), col("of_line"), lit(" of "), col("of_file"))),
            col("first.error_message"),
            lit(NO_ANSWER));
    Dataset<Row> withError = joined.withColumn("code", code).withColumn("message", message);

    Column failed = col("code").isNotNull();
    Column answered = not(failed);
    List<Column> columns = new ArrayList<>();
    columns.add(lit(origin.runId()).as("run_id"));
    columns.add(col("id"));
    columns.add(when(failed, lit("error")).otherwise(lit("ok")).as("status"));
    columns.add(when(answered, col("first.text")).as("text"));
    columns.add(when(answered, col("first.finish_reason")).as("finish_reason"));
    columns.add(when(answered, choices()).as("choices"));
    columns.add(col("prompt_tokens"));
    columns.add(
        when(
                answered,
                when(sameRequest, col("prompt_tokens")).otherwise(col("first.shared_tokens")))
            .as("shared_prompt_tokens"));
    columns.add(
        coalesce(
                when(
                    answered,
                    aggregate(
                        col("samples"),
                        lit(0),
                        (sum, sample) -> sum.plus(sample.getField("output_tokens")))),
                lit(0))
            .as("output_tokens"));
    columns.add(col("cut_tokens").as("cut_prompt_tokens"));
    columns.add(
        when(
                failed,
                struct(
                    col("code"),
                    element_at(categories(), col("code")).as("category"),
                    col("message"),
                    element_at(hints(), col("code")).as("hint")))
            .as("error"));
    columns.add(when(answered.and(sameRequest), col("of_id")).as("answered_by_id"));
    columns.add(col("source_file"));
    columns.add(col("source_line"));
    columns.add(col("row_key"));
    columns.add(lit(origin.modelName()).as("model_name"));
    columns.add(lit(origin.modelSha256()).as("model_sha256"));
    columns.add(lit(origin.backend()).as("backend"));
    columns.add(lit(origin.weftVersion()).as("weft_version"));
    List<String> names = ResultColumns.carriedNames(carried);
    for (int i = 0; i < names.size(); i++) {
      columns.add(col("carried").getField(carried.fieldNames()[i]).as(names.get(i)));
    }
    return withError.select(columns.toArray(Column[]::new));
  }

  private static Column choices() {
    return transform(
        col("samples"),
        s ->
            struct(
                s.getField("sample").as("index"),
                s.getField("text").as("text"),
                s.getField("finish_reason").as("finish_reason"),
                s.getField("stop_reason").as("stop_reason"),
                s.getField("cumulative_logprob").as("cumulative_logprob"),
                s.getField("logprobs").as("logprobs")));
  }

  private static Column categories() {
    return map(
        Arrays.stream(ErrorCode.values())
            .flatMap(c -> Stream.of(lit(c.name()), lit(c.category().label())))
            .toArray(Column[]::new));
  }

  private static Column hints() {
    return map(
        Arrays.stream(ErrorCode.values())
            .flatMap(c -> Stream.of(lit(c.name()), lit(c.hint())))
            .toArray(Column[]::new));
  }
}
