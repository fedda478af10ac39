package dev.weft.jobs.doctor;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;

/** The Java virtual machine and how it was started. */
final class JvmChecks {
  private static final Runtime.Version LEAST = Runtime.Version.parse("25.0.3");
  private static final int FEATURE = 25;
  private static final String START =
      "Start with the weft script, or pass the options of conf/spark-defaults.conf.";

  /**
   * What Spark and Arrow reach into; the weft script and conf/spark-defaults.conf hold the same.
   */
  static final List<String> OPENED =
      List.of(
          "java.lang",
          "java.lang.invoke",
          "java.lang.reflect",
          "java.io",
          "java.net",
          "java.nio",
          "java.util",
          "java.util.concurrent",
          "java.util.concurrent.atomic",
          "jdk.internal.ref",
          "sun.nio.ch",
          "sun.nio.cs",
          "sun.util.calendar");

  private JvmChecks() {}

  static List<Finding> java() {
    Runtime.Version version = Runtime.version();
    String found = version + ", " + ManagementFactory.getRuntimeMXBean().getVmName();
    if (version.feature() != FEATURE || version.compareToIgnoreOptional(LEAST) < 0) {
      return List.of(
          Finding.broken(
              "java",
              found,
              "Weft runs on JDK 25 from 25.0.3 on (earlier ones can corrupt data under Spark): install one, e.g. Eclipse Temurin 25, and set JAVA_HOME."));
    }
    return List.of(Finding.ok("java", found));
  }

  static List<Finding> flags() {
    Module base = Object.class.getModule();
    Module ours = JvmChecks.class.getModule();
    List<String> closed =
        OPENED.stream()
            .filter(p -> !base.isOpen(p, ours))
            .map(p -> "--add-opens=java.base/" + p + "=ALL-UNNAMED")
            .toList();
    List<String> arguments = ManagementFactory.getRuntimeMXBean().getInputArguments();
    List<String> slow =
        Stream.of(
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0")
            .filter(a -> !arguments.contains(a))
            .toList();
    if (!closed.isEmpty()) {
      return List.of(
          Finding.broken(
              "flags",
              "missing " + String.join(" ", closed),
              "Spark cannot start without them. " + START));
    }
    if (!slow.isEmpty()) {
      return List.of(
          Finding.warn(
              "flags",
              "missing " + String.join(" ", slow),
              "Jobs run, slower or with warnings. " + START));
    }
    return List.of(Finding.ok("flags", "all of Spark's and Weft's JVM options are set"));
  }

  static List<Finding> vector() {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return List.of(
          Finding.absent(
              "vector",
              "module jdk.incubator.vector is not loaded",
              "The scalar backend is many times slower: pass --add-modules=jdk.incubator.vector. "
                  + START));
    }
    int bits = Width.floatBits();
    String found = bits + "-bit float vectors (" + bits / Float.SIZE + " lanes)";
    return List.of(
        bits >= 256
            ? Finding.ok("vector", found)
            : Finding.warn(
                "vector",
                found,
                "The kernels are made for 256 bits and more; this processor is slower."));
  }

  /** Kept apart: the class that it names may be missing. */
  private static final class Width {
    static int floatBits() {
      return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
  }
}
