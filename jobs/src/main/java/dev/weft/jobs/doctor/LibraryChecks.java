package dev.weft.jobs.doctor;

import java.net.URL;
import java.security.CodeSource;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The libraries that a Spark installation or the weft script bring. */
final class LibraryChecks {
  private static final Pattern VERSION = Pattern.compile("-(\\d+(\\.\\d+)+[^/]*?)\\.jar$");

  private LibraryChecks() {}

  static List<Finding> versions() {
    return List.of(
        library(
            "spark",
            "org.apache.spark.sql.SparkSession",
            "4.2.",
            "Use Spark 4.2: earlier ones do not run on JDK 25."),
        library(
            "delta",
            "io.delta.sql.DeltaSparkSessionExtension",
            "4.",
            "Results are Delta tables: add --packages io.delta:delta-spark_4.2_2.13:4.4.0 to spark-submit."),
        library(
            "arrow",
            "org.apache.arrow.vector.VectorSchemaRoot",
            "19.",
            "Use the Arrow that comes with Spark 4.2."));
  }

  /** Does not initialize the class: looking must not start anything. */
  private static Finding library(String name, String type, String wanted, String fix) {
    Class<?> found;
    try {
      found = Class.forName(type, false, LibraryChecks.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      return Finding.broken(name, "not on the class path", fix);
    }
    CodeSource source = found.getProtectionDomain().getCodeSource();
    URL jar = source == null ? null : source.getLocation();
    Matcher version = VERSION.matcher(jar == null ? "" : jar.getPath());
    if (!version.find()) {
      return Finding.warn(name, "version unknown, from " + jar, fix);
    }
    return version.group(1).startsWith(wanted)
        ? Finding.ok(name, version.group(1))
        : Finding.warn(name, version.group(1) + ", tried with " + wanted + "x only", fix);
  }
}
