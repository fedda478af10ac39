package dev.weft.jobs.job;

import dev.weft.jobs.store.FaultFileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Assumptions;

/** The one Spark session of all tests in this JVM, and the model they run. */
public final class TestSpark {
  private static SparkSession session;

  private TestSpark() {}

  public static synchronized SparkSession session() {
    if (session == null) {
      session =
          SparkSession.builder()
              .master("local[2]")
              .appName("weft-tests")
              .config("spark.ui.enabled", "false")
              .config("spark.sql.shuffle.partitions", "2")
              .config("spark.databricks.delta.snapshotPartitions", "1")
              .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
              .config("spark.sql.session.timeZone", "UTC")
              .config("spark.driver.bindAddress", "127.0.0.1")
              .config("spark.driver.host", "127.0.0.1")
              .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
              .config("spark.hadoop.fs.fault.impl", FaultFileSystem.class.getName())
              .config("spark.delta.logStore.fault.impl", "io.delta.storage.LocalLogStore")
              .config(
                  "spark.sql.catalog.spark_catalog",
                  "org.apache.spark.sql.delta.catalog.DeltaCatalog")
              .getOrCreate();
      session.sparkContext().setLogLevel("OFF");
    }
    return session;
  }

  /** A trained model of 260 thousand parameters, context 512. */
  public static Path stories() {
    Path file =
        Path.of(
            System.getProperty("weft.shared.data", ""), "models/stories260K/stories260K-f32.gguf");
    Assumptions.assumeTrue(
        Files.isRegularFile(file),
        "skipped: the stories260K model is not in weft.shared.data (" + file + ")");
    return file;
  }
}
