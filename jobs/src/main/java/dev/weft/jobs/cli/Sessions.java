package dev.weft.jobs.cli;

import dev.weft.jobs.config.WeftConfig;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** Opens Spark with what a job needs. What spark-submit or its files say goes first. */
final class Sessions {
  private Sessions() {}

  static SparkSession open(WeftConfig config, Terminal terminal) {
    SparkConf conf = new SparkConf();
    conf.setIfMissing("spark.app.name", "weft");
    if (!conf.contains("spark.master")) {
      String master = config.spark().master();
      conf.setMaster(master);
      if (master.startsWith("local[") || master.equals("local")) {
        forOneProcess(conf);
      } else {
        forCluster(conf, terminal.clusterJars(), terminal.gpuExecutorOptions());
      }
    }
    conf.setIfMissing("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension");
    conf.setIfMissing(
        "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog");
    conf.setIfMissing("spark.sql.session.timeZone", "UTC");
    conf.setIfMissing(
        "spark.executor.extraJavaOptions",
        "--add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED"
            + " -Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0");
    return SparkSession.builder().config(conf).getOrCreate();
  }

  /** Ships the jars; on GPUs kernels must be on the class path from the start. */
  private static void forCluster(SparkConf conf, List<String> jars, String gpuOptions) {
    if (!jars.isEmpty()) {
      conf.setIfMissing("spark.jars", String.join(",", jars));
    }
    if (!jars.isEmpty() && !gpuOptions.isEmpty()) {
      conf.setIfMissing("spark.executor.extraClassPath", jars.getFirst());
      conf.setIfMissing("spark.executor.extraJavaOptions", gpuOptions);
    }
  }

  /** Defaults of Spark and Delta are made for clusters: thousands of tasks for small tables. */
  private static void forOneProcess(SparkConf conf) {
    String tasks = Integer.toString(Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 64));
    conf.setIfMissing("spark.ui.enabled", "false");
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    conf.setIfMissing("spark.sql.shuffle.partitions", tasks);
    conf.setIfMissing("spark.databricks.delta.snapshotPartitions", "2");
    conf.setIfMissing("spark.sql.sources.parallelPartitionDiscovery.parallelism", tasks);
    conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
    conf.setIfMissing("spark.driver.host", "127.0.0.1");
  }
}
