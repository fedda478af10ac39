package dev.weft.benchmarks.fuzz;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.config.WeftConfig.Format;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ingest.Ingest;
import dev.weft.jobs.ingest.InputResolver;
import dev.weft.jobs.ingest.InputSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/**
 * Request tables with damage anywhere, read by Spark as a job reads them. Some hundred times dearer
 * than the other targets. Only this thread's allocations are counted, and Spark reads in others.
 */
final class ParquetTarget implements FuzzTarget {
  private static final String COLUMNS =
      "'id' || id as id, if(id % 2 = 0, 'text ' || id, null) as prompt,"
          + " if(id % 2 = 1, array(named_struct('role', 'user', 'content', 'c' || id)), null) as messages,"
          + " cast(id as double) / 100 as temperature, map('a', array(id)) as carried";

  private final Path folder = Files.createTempDirectory("weft-fuzz");
  private final SparkSession spark;
  private final List<byte[]> seeds = new ArrayList<>();

  ParquetTarget() throws IOException {
    spark =
        SparkSession.builder()
            .master("local[1]")
            .appName("weft-fuzz")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.warehouse.dir", folder.resolve("warehouse").toString())
            .getOrCreate();
    spark.sparkContext().setLogLevel("OFF");
    for (String codec : List.of("uncompressed", "snappy")) {
      Path seed = folder.resolve(codec);
      spark
          .range(50)
          .selectExpr(COLUMNS.split(", (?=if|cast|map)"))
          .coalesce(1)
          .write()
          .option("compression", codec)
          .parquet(seed.toString());
      try (Stream<Path> files = Files.list(seed)) {
        for (Path file : files.filter(f -> f.toString().endsWith(".parquet")).toList()) {
          seeds.add(Files.readAllBytes(file));
        }
      }
    }
  }

  @Override
  public String name() {
    return "parquet";
  }

  @Override
  public Input next(RandomGenerator random) throws IOException {
    return of(ByteMutator.mutate(seeds.get(random.nextInt(seeds.size())), random));
  }

  @Override
  public Input of(byte[] bytes) throws IOException {
    Path file = folder.resolve("case.parquet");
    Files.write(file, bytes);
    return new Table(spark, file, bytes);
  }

  @Override
  public void close() throws IOException {
    spark.stop();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private record Table(SparkSession spark, Path file, byte[] dump) implements Input {
    @Override
    public long bytes() {
      return dump.length;
    }

    @Override
    public void read() {
      InputSet input =
          new InputResolver(spark.sparkContext().hadoopConfiguration())
              .resolve(List.of(file.toString()), Format.PARQUET);
      Ingest.read(spark, input, WeftConfig.defaults()).rows().map(row -> row.rowKey()).collect();
    }

    @Override
    public boolean documents(Throwable e) {
      return WeftException.within(e) instanceof WeftException;
    }
  }
}
