package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigSource;
import dev.weft.jobs.state.RunFolder;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Option;

/** Where runs are, for commands that look at them without Spark. */
final class RunPlace {
  private static final String HADOOP_PREFIX = "spark.hadoop.";

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      required = true,
      description = "The output folder of the run.")
  private String output;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  String output() {
    return output;
  }

  boolean json() {
    return json;
  }

  RunFolder folder(String runId) {
    return new RunFolder(output, runId, hadoop());
  }

  Configuration hadoop() {
    return hadoopConfiguration();
  }

  /** Hadoop's own files, and what spark-submit was given. */
  static Configuration hadoopConfiguration() {
    Configuration hadoop = new Configuration();
    ConfigSource.submitted()
        .forEach(
            (key, value) -> {
              if (key.startsWith(HADOOP_PREFIX)) {
                hadoop.set(key.substring(HADOOP_PREFIX.length()), value);
              }
            });
    return hadoop;
  }
}
