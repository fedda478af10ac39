package dev.weft.jobs.prepare;

import dev.weft.datasets.format.Prompt;
import dev.weft.datasets.format.Request;
import dev.weft.datasets.format.SamplingParams;
import dev.weft.jobs.error.RowError;
import dev.weft.jobs.ingest.Ingest;
import dev.weft.jobs.ingest.IngestedRow;
import dev.weft.jobs.ingest.InputSet;
import dev.weft.jobs.prepare.Preparer.Prepared;
import dev.weft.jobs.secret.Secrets;
import java.util.Iterator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;

/** Prepares all rows in parallel. */
public final class PreparedRows {
  private static final String[] NOTHING = {};

  private PreparedRows() {}

  /** Rows of {@link PreparedSchema}; nothing is read before an action runs. */
  public static Dataset<Row> of(
      SparkSession spark, Ingest.Rows input, PrepareSpec spec, boolean deduplicate) {
    SerializableConfiguration hadoop =
        new SerializableConfiguration(spark.sparkContext().hadoopConfiguration());
    JavaRDD<Row> rows =
        input
            .rows()
            .mapPartitions(part -> prepare(part, Preparers.get(spec, hadoop.value()), deduplicate));
    return spark.createDataFrame(rows, PreparedSchema.of(input.carried()));
  }

  private static Iterator<Row> prepare(
      Iterator<IngestedRow> rows, Preparer preparer, boolean deduplicate) {
    RequestKey keys = new RequestKey();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return rows.hasNext();
      }

      @Override
      public Row next() {
        IngestedRow row = rows.next();
        if (row.error() != null) {
          return failed(row, row.error(), null);
        }
        Prepared prepared = preparer.prepare(row.request());
        return prepared.error() != null
            ? failed(row, prepared.error(), kind(row.request().prompt()))
            : ready(row, prepared, deduplicate ? keys : null);
      }
    };
  }

  private static Row failed(IngestedRow row, RowError error, String kind) {
    return RowFactory.create(
        row.rowKey(),
        Secrets.hide(row.file()),
        InputSet.lineOf(row.rowKey()),
        row.id(),
        null,
        0,
        0,
        kind,
        null,
        null,
        NOTHING,
        error.code().name(),
        error.message(),
        row.carried(),
        row.contentHash());
  }

  private static Row ready(IngestedRow row, Prepared prepared, RequestKey keys) {
    Request request = row.request();
    SamplingParams params = request.params();
    boolean shareable = keys != null && params.deterministic();
    return RowFactory.create(
        row.rowKey(),
        Secrets.hide(row.file()),
        InputSet.lineOf(row.rowKey()),
        row.id(),
        PreparedSchema.encodeTokens(prepared.tokens()),
        prepared.tokens().length,
        prepared.cutTokens(),
        kind(request.prompt()),
        params(params, prepared.maxTokens()),
        shareable ? keys.of(prepared.tokens(), params, prepared.maxTokens()) : null,
        request.ignoredFields().toArray(NOTHING),
        null,
        null,
        row.carried(),
        row.contentHash());
  }

  private static Row params(SamplingParams p, int maxTokens) {
    return RowFactory.create(
        maxTokens,
        p.temperature(),
        p.topP(),
        p.topK(),
        p.minP(),
        p.repetitionPenalty(),
        p.frequencyPenalty(),
        p.presencePenalty(),
        p.stop().toArray(NOTHING),
        p.seed().isPresent() ? p.seed().getAsLong() : null,
        p.n(),
        p.logprobs() == SamplingParams.NO_LOGPROBS ? null : p.logprobs());
  }

  private static String kind(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Text text -> "text";
      case Prompt.Messages chat -> "messages";
      case Prompt.TokenIds ids -> "token_ids";
    };
  }
}
