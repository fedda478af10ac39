package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.quant.QuantFormat;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code memory.peak}: resident memory that a process of its own takes for an engine and its
 * requests, against weights and KV budget.
 */
final class MemorySection {
  private static final String NAME = "memory.peak";
  private static final int FIELDS = 6;

  private MemorySection() {}

  static void run(Results results, Setting setting) throws IOException, InterruptedException {
    if (!results.wants(NAME)) {
      return;
    }
    if (!Files.isReadable(Path.of("/proc/self/status"))) {
      results.add(Line.skipped(NAME, "", "needs /proc/self/status, which only Linux has"));
      return;
    }
    for (Shape shape : setting.shapes()) {
      String name = NAME + "." + shape.label() + ".q8_0";
      boolean left = setting.quick() && shape == Shape.B1 && !results.wantsByName(name);
      if (results.wants(name) && left) {
        results.add(Line.skipped(name, "", Setting.LEFT_OUT));
      } else if (results.wants(name)) {
        run(results, setting, shape, name);
      }
    }
  }

  private static void run(Results results, Setting setting, Shape shape, String name)
      throws IOException, InterruptedException {
    Path file = shape.file(setting.work(), QuantFormat.Q8_0, setting.seed());
    long kvBytes = setting.smoke() ? 4L << 20 : setting.quick() ? 64L << 20 : 512L << 20;
    long[] told = probe(file, setting.threads(), kvBytes);
    double peak = told[1] - told[0];
    double expected = told[3] + told[4];
    Map<String, Double> more = new LinkedHashMap<>();
    more.put("process before", (double) told[0]);
    more.put("anonymous at the end", (double) told[2]);
    more.put("weights", (double) told[3]);
    more.put("keys and values", (double) told[4]);
    more.put("model file", (double) Files.size(file));
    results.add(
        Line.against(
                name,
                Series.of(peak),
                "bytes",
                "weights and keys and values, as the engine counts them",
                Series.of(expected),
                Double.NaN,
                "peak of resident memory less that of the process before; target at most 1.1; heap 256 MiB included, model file mapped")
            .with(more));
  }

  private static long[] probe(Path file, int threads, long kvBytes)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!option.startsWith("-Xmx")) {
        command.add(option);
      }
    }
    command.addAll(List.of("-Xmx256m", "-cp", System.getProperty("java.class.path")));
    command.add(MemoryProbe.class.getName());
    command.addAll(List.of(file.toString(), "" + threads, "" + kvBytes));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    long[] told = null;
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        String[] words = line.split(" ");
        if (words[0].equals("@memory") && words.length == FIELDS) {
          told = new long[FIELDS - 1];
          for (int i = 0; i < told.length; i++) {
            told[i] = Long.parseLong(words[i + 1]);
          }
        }
      }
    } finally {
      process.waitFor();
    }
    if (told == null) {
      throw new IOException("the process that measures memory ended with " + process.exitValue());
    }
    return told;
  }
}
