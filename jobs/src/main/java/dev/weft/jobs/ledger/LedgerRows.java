package dev.weft.jobs.ledger;

import dev.weft.jobs.store.Storage;
import dev.weft.kernels.engine.ResultSchema;
import dev.weft.kernels.engine.StepSchema;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.util.Text;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The ledger as Spark tables. Pieces that are torn or cannot be understood are left out and named;
 * rows that were finished twice are there twice. Tasks read what they need and keep nothing, so
 * that a job that writes is not disturbed.
 */
public final class LedgerRows {
  /** Struct of a token's log-probability. */
  public static final StructType TOP_TYPE =
      new StructType()
          .add("token", DataTypes.IntegerType)
          .add("text", DataTypes.StringType)
          .add("logprob", DataTypes.FloatType);

  /** Log-probabilities of an answer: one element for each token. */
  public static final DataType LOGPROBS_TYPE =
      DataTypes.createArrayType(TOP_TYPE.add("top", DataTypes.createArrayType(TOP_TYPE)));

  /** Columns of results: those of {@link ResultSchema} without token ids, and the piece. */
  public static final StructType RESULTS_TYPE =
      new StructType()
          .add("row_key", DataTypes.LongType)
          .add(ResultSchema.SAMPLE, DataTypes.IntegerType)
          .add("piece", DataTypes.StringType)
          .add(ResultSchema.TEXT, DataTypes.StringType)
          .add(ResultSchema.FINISH_REASON, DataTypes.StringType)
          .add(ResultSchema.STOP_REASON, DataTypes.StringType)
          .add(ResultSchema.ERROR_CODE, DataTypes.StringType)
          .add(ResultSchema.ERROR_MESSAGE, DataTypes.StringType)
          .add(ResultSchema.CUMULATIVE_LOGPROB, DataTypes.DoubleType)
          .add(ResultSchema.LOGPROBS, LOGPROBS_TYPE)
          .add(ResultSchema.PROMPT_TOKENS, DataTypes.IntegerType)
          .add(ResultSchema.SHARED_TOKENS, DataTypes.IntegerType)
          .add(ResultSchema.OUTPUT_TOKENS, DataTypes.IntegerType)
          .add(ResultSchema.RECOMPUTED_TOKENS, DataTypes.IntegerType)
          .add(ResultSchema.QUEUE_SECONDS, DataTypes.DoubleType)
          .add(ResultSchema.PREFILL_SECONDS, DataTypes.DoubleType)
          .add(ResultSchema.DECODE_SECONDS, DataTypes.DoubleType)
          .add(ResultSchema.ENERGY_JOULES, DataTypes.DoubleType)
          .add(ResultSchema.ENERGY_SOURCE, DataTypes.StringType);

  /** Columns of steps: those of {@link StepSchema}, and who ran them. */
  public static final StructType STEPS_TYPE =
      new StructType()
          .add("start", DataTypes.IntegerType)
          .add("task_attempt", DataTypes.LongType)
          .add(StepSchema.STEP, DataTypes.LongType)
          .add(StepSchema.STARTED_AT, DataTypes.TimestampType)
          .add(StepSchema.SECONDS, DataTypes.DoubleType)
          .add(StepSchema.PREDICTED_SECONDS, DataTypes.DoubleType)
          .add(StepSchema.PREFILL_TOKENS, DataTypes.IntegerType)
          .add(StepSchema.DECODE_TOKENS, DataTypes.IntegerType)
          .add(StepSchema.LOGIT_TOKENS, DataTypes.IntegerType)
          .add(StepSchema.PREFILL_PAIRS, DataTypes.LongType)
          .add(StepSchema.KV_TOKENS_READ, DataTypes.LongType)
          .add(StepSchema.COMPUTE_SIDE_TOKENS, DataTypes.IntegerType)
          .add(StepSchema.MEMORY_SIDE_TOKENS, DataTypes.IntegerType)
          .add(StepSchema.SHARED_TOKENS, DataTypes.IntegerType)
          .add(StepSchema.RECOMPUTED_TOKENS, DataTypes.IntegerType)
          .add(StepSchema.RUNNING_SEQUENCES, DataTypes.IntegerType)
          .add(StepSchema.WAITING_SEQUENCES, DataTypes.IntegerType)
          .add(StepSchema.KV_PAGES_USED, DataTypes.IntegerType)
          .add(StepSchema.KV_PAGES_TOTAL, DataTypes.IntegerType)
          .add(StepSchema.PREEMPTIONS, DataTypes.IntegerType)
          .add(StepSchema.PREFIX_HITS, DataTypes.IntegerType)
          .add(StepSchema.PREFIX_LOOKUPS, DataTypes.IntegerType)
          .add(StepSchema.ENERGY_JOULES, DataTypes.DoubleType)
          .add(StepSchema.ENERGY_SOURCE, DataTypes.StringType);

  private static final int PIECES_PER_TASK = 64;

  private LedgerRows() {}

  /** Finished requests, columns of {@link #RESULTS_TYPE}. */
  public static Dataset<Row> results(SparkSession spark, List<Piece> pieces, Damage damage) {
    return read(spark, pieces, RESULTS_TYPE, damage);
  }

  /** Engine steps, columns of {@link #STEPS_TYPE}. */
  public static Dataset<Row> steps(SparkSession spark, List<Piece> pieces, Damage damage) {
    return read(spark, pieces, STEPS_TYPE, damage);
  }

  /** Names pieces that were left out, whichever task read them and however often. */
  public static final class Damage {
    private final CollectionAccumulator<String> names;

    /** No damage yet. */
    public Damage(SparkSession spark) {
      names = spark.sparkContext().collectionAccumulator();
    }

    /** Names of the files, each with what is wrong. */
    public SortedSet<String> found() {
      return new TreeSet<>(names.value());
    }
  }

  private static Dataset<Row> read(
      SparkSession spark, List<Piece> pieces, StructType type, Damage damage) {
    SerializableConfiguration hadoop =
        new SerializableConfiguration(spark.sparkContext().hadoopConfiguration());
    int tasks = Math.max(1, (pieces.size() + PIECES_PER_TASK - 1) / PIECES_PER_TASK);
    CollectionAccumulator<String> damaged = damage.names;
    JavaRDD<Row> rows =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .parallelize(new ArrayList<>(pieces), tasks)
            .flatMap(piece -> rows(piece, hadoop.value(), type, damaged));
    return spark.createDataFrame(rows, type);
  }

  private static Iterator<Row> rows(
      Piece piece, Configuration hadoop, StructType type, CollectionAccumulator<String> damaged)
      throws IOException {
    Path file = new Path(piece.path());
    Optional<byte[]> bytes = Ledger.read(Storage.of(file, hadoop), piece);
    if (bytes.isEmpty()) {
      damaged.add(file.getName() + " is torn");
      return Collections.emptyIterator();
    }
    try {
      return decode(bytes.get(), piece, type).iterator();
    } catch (IOException | RuntimeException e) {
      // Its checksum is right: it was written so, by another program or a fault of this one.
      damaged.add(file.getName() + " cannot be understood (" + e.getClass().getSimpleName() + ")");
      return Collections.emptyIterator();
    }
  }

  private static List<Row> decode(byte[] bytes, Piece piece, StructType type) throws IOException {
    LedgerScan.requireFrames(bytes);
    List<Row> rows = new ArrayList<>();
    try (BufferAllocator allocator = LedgerScan.allocator(bytes);
        ArrowStreamReader reader =
            new ArrowStreamReader(new ByteArrayInputStream(bytes), allocator)) {
      VectorSchemaRoot batch = reader.getVectorSchemaRoot();
      while (reader.loadNextBatch()) {
        FieldVector[] vectors = new FieldVector[type.size()];
        for (int c = 0; c < vectors.length; c++) {
          String column = type.fields()[c].name();
          vectors[c] = batch.getVector(column.equals("row_key") ? ResultSchema.ROW : column);
        }
        for (int r = 0; r < batch.getRowCount(); r++) {
          Object[] values = new Object[vectors.length];
          for (int c = 0; c < vectors.length; c++) {
            values[c] =
                vectors[c] == null
                    ? ofPiece(type.fields()[c].name(), piece)
                    : value(type.fields()[c].dataType(), vectors[c], r);
          }
          rows.add(RowFactory.create(values));
        }
      }
    }
    if (rows.size() != piece.name().rows()) {
      throw new IOException("%d of %d rows".formatted(rows.size(), piece.name().rows()));
    }
    return rows;
  }

  private static Object ofPiece(String column, Piece piece) {
    return switch (column) {
      case "piece" -> new Path(piece.path()).getName();
      case "start" -> piece.name().start();
      case "task_attempt" -> piece.name().taskAttempt();
      default -> throw new IllegalStateException("a piece has no " + column);
    };
  }

  private static Object value(DataType type, FieldVector vector, int row) {
    if (vector.isNull(row)) {
      return null;
    }
    Object value = vector.getObject(row);
    if (type.equals(LOGPROBS_TYPE)) {
      return array((List<?>) value, LedgerRows::tokenLogprob);
    }
    return switch (value) {
      case Text text -> text.toString();
      case Long micros when type.equals(DataTypes.TimestampType) ->
          Timestamp.from(
              Instant.ofEpochSecond(
                  Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1_000L));
      default -> value;
    };
  }

  private static Row tokenLogprob(Map<?, ?> token) {
    return RowFactory.create(
        token.get("token"),
        String.valueOf(token.get("text")),
        token.get("logprob"),
        array((List<?>) token.get("top"), LedgerRows::topLogprob));
  }

  private static Row topLogprob(Map<?, ?> token) {
    return RowFactory.create(
        token.get("token"), String.valueOf(token.get("text")), token.get("logprob"));
  }

  private static Row[] array(List<?> items, Function<Map<?, ?>, Row> toRow) {
    return items.stream().map(item -> toRow.apply((Map<?, ?>) item)).toArray(Row[]::new);
  }
}
