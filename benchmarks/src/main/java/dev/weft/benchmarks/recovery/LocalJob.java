package dev.weft.benchmarks.recovery;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.run.Progress;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.Stage;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/**
 * One job in local mode in a process of its own, to be timed and killed. It prints lines: {@code
 * @stage NAME SECONDS} when a stage has ended, {@code @rows N} as rows are done, {@code @end
 * ANSWERED RESUMED} or {@code @failed REASON}.
 */
final class LocalJob {
  private LocalJob() {}

  /** Arguments: keys of the job and values by turns. */
  public static void main(String[] arguments) {
    PrintStream out = System.out;
    System.setOut(System.err);
    SparkSession spark = session(2);
    Map<String, String> job = new HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      job.put(arguments[i], arguments[i + 1]);
    }
    try {
      RunSummary run = WeftJob.run(spark, WeftConfig.of(job), new Printer(out));
      out.println("@end " + run.rows().answered() + " " + run.rows().resumed());
    } catch (RuntimeException e) {
      out.println("@failed " + e.getMessage());
    }
    Runtime.getRuntime().halt(0);
  }

  /** A session as {@code weft run} opens it in local mode. */
  static SparkSession session(int cores) {
    SparkSession spark =
        SparkSession.builder()
            .master("local[" + cores + "]")
            .appName("weft-recovery")
            .config("spark.ui.enabled", "false")
            // What Spark keeps of the past is full after the first jobs and cannot look like a
            // leak.
            .config("spark.ui.retainedJobs", "50")
            .config("spark.ui.retainedStages", "50")
            .config("spark.ui.retainedTasks", "500")
            .config("spark.sql.ui.retainedExecutions", "50")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.databricks.delta.snapshotPartitions", "2")
            .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config(
                "spark.sql.catalog.spark_catalog",
                "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.hadoop.fs.dropping.impl", DroppingFileSystem.class.getName())
            .config("spark.delta.logStore.dropping.impl", "io.delta.storage.LocalLogStore")
            .getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    return spark;
  }

  /** Starts the process; its errors go to the file. */
  static Process start(Path log, Map<String, String> job) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx1500m");
    command.addAll(LocalCluster.JVM_OPTIONS);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LocalJob.class.getName());
    job.forEach((k, v) -> command.addAll(List.of(k, v)));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.redirectError(ProcessBuilder.Redirect.appendTo(new File(log.toString())));
    return builder.start();
  }

  private record Printer(PrintStream out) implements ProgressListener {
    @Override
    public void stageStarted(Stage stage) {
      out.println("@begin " + stage);
    }

    @Override
    public void stageFinished(Stage stage, double seconds) {
      out.println("@stage " + stage + " " + seconds);
    }

    @Override
    public void progress(Progress progress) {
      out.println("@rows " + progress.doneRows());
    }
  }
}
