package dev.weft.jobs.infer;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;

import dev.weft.jobs.prepare.PreparedSchema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Prepared rows brought into planned order: partition by partition, position by position. */
public final class PlannedRows {
  static final int ROW_KEY = 0;
  static final int ID = 1;
  static final int TOKENS = 2;
  static final int PARAMS = 3;
  static final int SIDE = 4;
  static final int ESTIMATE = 5;
  static final int LENGTHS = 6;

  /** Of a request of whose output only an estimate is known. */
  public static final int[] NO_LENGTHS = {};

  private static final int CHUNK = 1 << 14;
  private static final int BROADCAST_LIMIT = 1 << 19;

  /**
   * Where a request runs: its key, partition, position there, side, expected output tokens and the
   * points of their distribution (none where only the estimate is known).
   */
  public static final StructType ASSIGNMENT_TYPE =
      new StructType()
          .add("assigned_row_key", DataTypes.LongType, false)
          .add("partition", DataTypes.IntegerType, false)
          .add("position", DataTypes.LongType, false)
          .add("side", DataTypes.IntegerType, false)
          .add("estimate", DataTypes.IntegerType, false)
          .add("lengths", DataTypes.createArrayType(DataTypes.IntegerType, false), false);

  private PlannedRows() {}

  /** Answers that a planned row draws. */
  static int answers(Row row) {
    return row.getStruct(PARAMS).getInt(10);
  }

  /**
   * Where requests run, in planned order.
   *
   * @param rowKeys the requests
   * @param partitions partition of each
   * @param memorySide whether each is of the memory side
   * @param estimates expected output tokens of each
   * @param lengths points of their distributions; requests of one group share an array
   */
  public record Assignment(
      long[] rowKeys, int[] partitions, boolean[] memorySide, int[] estimates, int[][] lengths)
      implements Serializable {

    /** Number of requests. */
    public int size() {
      return rowKeys.length;
    }
  }

  /** An assignment that was made on the driver as rows of {@link #ASSIGNMENT_TYPE}. */
  public static Dataset<Row> assigned(SparkSession spark, Assignment assignment) {
    List<Chunk> chunks = new ArrayList<>();
    for (int from = 0; from < assignment.size(); from += CHUNK) {
      chunks.add(new Chunk(assignment, from, Math.min(assignment.size(), from + CHUNK)));
    }
    JavaRDD<Row> rows =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .parallelize(chunks, chunks.size())
            .flatMap(Chunk::rows);
    Dataset<Row> assigned = spark.createDataFrame(rows, ASSIGNMENT_TYPE);
    return assignment.size() <= BROADCAST_LIMIT ? broadcast(assigned) : assigned;
  }

  /**
   * Rows of {@code prepared} that are assigned, in their partitions and order.
   *
   * @param assigned rows of {@link #ASSIGNMENT_TYPE}, each request once
   */
  public static JavaRDD<Row> of(Dataset<Row> prepared, Dataset<Row> assigned, int partitions) {
    return prepared
        .join(assigned, col(PreparedSchema.ROW_KEY).equalTo(col("assigned_row_key")))
        .repartitionById(partitions, col("partition"))
        .sortWithinPartitions("position")
        .select(
            PreparedSchema.ROW_KEY,
            PreparedSchema.ID,
            PreparedSchema.TOKENS,
            PreparedSchema.PARAMS,
            "side",
            "estimate",
            "lengths")
        .toJavaRDD();
  }

  /** A stretch of an assignment that travels by itself. */
  private record Chunk(
      long firstPosition,
      long[] rowKeys,
      int[] partitions,
      boolean[] memorySide,
      int[] estimates,
      int[][] lengths)
      implements Serializable {
    Chunk(Assignment a, int from, int to) {
      this(
          from,
          Arrays.copyOfRange(a.rowKeys(), from, to),
          Arrays.copyOfRange(a.partitions(), from, to),
          Arrays.copyOfRange(a.memorySide(), from, to),
          Arrays.copyOfRange(a.estimates(), from, to),
          Arrays.copyOfRange(a.lengths(), from, to));
    }

    Iterator<Row> rows() {
      List<Row> rows = new ArrayList<>(rowKeys.length);
      for (int i = 0; i < rowKeys.length; i++) {
        rows.add(
            RowFactory.create(
                rowKeys[i],
                partitions[i],
                firstPosition + i,
                memorySide[i] ? 1 : 0,
                estimates[i],
                lengths[i]));
      }
      return rows.iterator();
    }
  }
}
