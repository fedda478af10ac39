package dev.weft.jobs.cli;

import java.nio.file.Path;

/** Tells {@code conf/log4j2.properties} where the log of this run goes. */
final class LogFile {
  private static final String PROPERTY = "weft.log.file";

  private LogFile() {}

  /** Must be called before anything logs. An output on remote storage has no log file. */
  static void inside(String outputFolder) {
    if (!outputFolder.matches("[A-Za-z][A-Za-z0-9+.-]+:.*")) {
      System.setProperty(
          PROPERTY, Path.of(outputFolder, "logs", "weft.log").toAbsolutePath().toString());
    }
  }
}
