package dev.weft.jobs.job;

import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.fs.FileUtil;
import org.apache.spark.sql.SparkSession;

/** An output folder for a plan that nobody keeps. */
final class TemporaryOutput implements AutoCloseable {
  private final Path folder;

  private TemporaryOutput(Path folder) {
    this.folder = folder;
  }

  static TemporaryOutput create(SparkSession spark) {
    if (!spark.sparkContext().isLocal()) {
      throw new WeftException(
          ErrorCode.OPTION_INVALID,
          "output.path is not set; on a cluster a plan needs a folder that all hosts reach");
    }
    try {
      return new TemporaryOutput(Files.createTempDirectory("weft-plan-"));
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.STORAGE_FAILED, "no temporary folder: " + e.getMessage(), e);
    }
  }

  WeftConfig in(WeftConfig c) {
    return new WeftConfig(
        c.input(),
        new WeftConfig.Output(folder.toString()),
        c.run(),
        c.model(),
        c.sampling(),
        c.engine(),
        c.plan(),
        c.calibration(),
        c.ledger(),
        c.metrics(),
        c.cost(),
        c.spark());
  }

  @Override
  public void close() {
    FileUtil.fullyDelete(folder.toFile());
  }
}
