package dev.weft.jobs.infer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.job.TestSpark;
import dev.weft.jobs.ledger.Ledger;
import dev.weft.jobs.ledger.LedgerRows;
import dev.weft.jobs.ledger.Piece;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.prepare.ModelFile;
import dev.weft.jobs.prepare.PreparedSchema;
import dev.weft.jobs.store.Storage;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.kv.KvFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.util.SerializableConfiguration;

/** Inference tasks by themselves, on rows of random tokens. */
final class TaskFixture {
  static final int ROWS = 24;

  /** A token that only the poisonous rows hold. */
  static final int POISON = 300;

  static final long POISONED_ROW = 13;

  private static final scala.collection.Seq<String> NO_STOPS =
      scala.jdk.javaapi.CollectionConverters.asScala(List.<String>of()).toSeq();

  private static final scala.collection.Seq<Integer> NO_LENGTHS =
      scala.jdk.javaapi.CollectionConverters.asScala(List.<Integer>of()).toSeq();

  private TaskFixture() {}

  private static Path model() {
    return Path.of(System.getProperty("weft.project.root"), "datasets/demo/weft-demo.gguf");
  }

  static EngineSpec spec(String backend, int tries, int stepTimeoutSeconds) throws IOException {
    Configuration hadoop = new Configuration();
    return new EngineSpec(
        ModelFile.find(model().toString(), System.getProperty("java.io.tmpdir"), hadoop),
        backend,
        0,
        1,
        8 << 20,
        KvFormat.F32,
        false,
        CudaGraphs.AUTO,
        16,
        128,
        16,
        8,
        1,
        42,
        tries,
        stepTimeoutSeconds,
        2,
        "",
        "");
  }

  /** Rows with random prompts; two answers each. */
  static List<Row> rows() {
    Random random = new Random(7);
    List<Row> rows = new ArrayList<>();
    for (long key = 0; key < ROWS; key++) {
      int[] tokens = new int[4 + random.nextInt(20)];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = 310 + random.nextInt(200);
      }
      if (key == POISONED_ROW) {
        tokens[tokens.length / 2] = POISON;
      }
      Row params = RowFactory.create(2, 0.7, 1.0, 0, 0.0, 1.0, 0.0, 0.0, NO_STOPS, null, 2, null);
      rows.add(
          RowFactory.create(
              key, "row-" + key, PreparedSchema.encodeTokens(tokens), params, 0, 2, NO_LENGTHS));
    }
    return rows;
  }

  /** Runs all rows as one task of a start of a run. */
  static List<PartitionReport> run(EngineSpec spec, Path run, int start) {
    JavaSparkContext context =
        JavaSparkContext.fromSparkContext(TestSpark.session().sparkContext());
    InferTask task =
        new InferTask(
            spec,
            run.resolve("ledger").toString(),
            start,
            4,
            10,
            run + "#" + start,
            new SerializableConfiguration(context.hadoopConfiguration()));
    return context.parallelize(rows(), 1).mapPartitionsWithIndex(task, false).collect();
  }

  /** Answers in the ledger by row and sample; an error is its code. */
  static Map<String, String> answers(Path run) throws IOException {
    org.apache.hadoop.fs.Path ledger = new org.apache.hadoop.fs.Path(run.resolve("ledger").toUri());
    Storage storage = Storage.of(ledger, new Configuration());
    List<Piece> pieces = Ledger.list(storage, ledger, PieceName.Kind.RESULTS);
    LedgerRows.Damage damage = new LedgerRows.Damage(TestSpark.session());
    Map<String, String> answers = new TreeMap<>();
    LedgerRows.results(TestSpark.session(), pieces, damage)
        .selectExpr("row_key", "sample", "coalesce(error_code, text)")
        .collectAsList()
        .forEach(
            row -> {
              String key = row.getLong(0) + "." + row.getInt(1);
              String before = answers.put(key, row.getString(2));
              assertThat(before == null || before.equals(row.getString(2))).as(key).isTrue();
            });
    // A process that dies may tear the piece that it writes.
    assertThat(damage.found()).allMatch(piece -> piece.endsWith(" is torn"));
    return answers;
  }
}
