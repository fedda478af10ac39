package dev.weft.benchmarks.fuzz;

import dev.weft.benchmarks.fuzz.Finding.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Gives mutated inputs to every reader and counts what must not happen. Each target runs in a child
 * process, which is started again behind a case that killed it. A case that allocated more in all
 * than it may is read again in a process whose whole heap is no larger than that. A case is made of
 * the seed and its number alone: {@code --only TARGET --seed S --case N} runs one again and shows
 * it.
 *
 * <pre>FuzzBench [--out FILE] [--count N] [--seed S] [--only TARGET] [--case N]</pre>
 */
public final class FuzzBench {
  private static final long DEFAULT_COUNT = 1_000_000;
  private static final long DEFAULT_SEED = 20261125;
  private static final int SHOWN = 20;

  /** Options that open what Spark and the kernels need, as the {@code weft} script gives them. */
  private static final List<String> INHERITED =
      ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
          .filter(option -> option.startsWith("--"))
          .toList();

  private final long seed;

  /** Cases of the campaign at hand that were read again with little memory. */
  private int suspects;

  private FuzzBench(long seed) {
    this.seed = seed;
  }

  public static void main(String[] args) throws Exception {
    Path out = null;
    long count = DEFAULT_COUNT;
    long seed = DEFAULT_SEED;
    long single = -1;
    String only = null;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--out" -> out = Path.of(value(args, ++i));
        case "--count" -> count = Long.parseLong(value(args, ++i));
        case "--seed" -> seed = Long.parseLong(value(args, ++i));
        case "--only" -> only = value(args, ++i);
        case "--case" -> single = Long.parseLong(value(args, ++i));
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    var bench = new FuzzBench(seed);
    if (single >= 0) {
      if (only == null) {
        throw new IllegalArgumentException("--case needs --only TARGET");
      }
      bench.show(only, single);
      return;
    }
    List<String> names = new ArrayList<>();
    if (only == null) {
      FuzzTargets.names().forEach(names::add);
    } else {
      names.add(only);
    }
    long shares = 0;
    for (String name : names) {
      shares += FuzzTargets.share(name);
    }
    List<String> lines = new ArrayList<>();
    for (String name : names) {
      lines.add(bench.campaign(name, Math.max(1, count * FuzzTargets.share(name) / shares)));
    }
    if (out != null) {
      Files.write(out, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  private static String value(String[] args, int index) {
    if (index == args.length) {
      throw new IllegalArgumentException("option " + args[index - 1] + " needs a value");
    }
    return args[index];
  }

  /** Runs one case in this process and shows what it is and how it ends. */
  private void show(String name, long number) throws Exception {
    try (FuzzTarget target = FuzzTargets.open(name)) {
      FuzzTarget.Input input = target.next(FuzzWorker.random(name, seed, number));
      Path file = Files.createTempFile("weft-fuzz-" + name + "-" + number + "-", ".input");
      Files.write(file, input.dump());
      System.err.printf("case %d of %s, seed %d: %s%n", number, name, seed, file);
      long start = System.nanoTime();
      try {
        input.read();
        System.err.println("it is read without an error");
      } catch (Throwable e) {
        System.err.println(input.documents(e) ? "refused, as documented:" : "NOT DOCUMENTED:");
        e.printStackTrace();
      }
      System.err.printf(Locale.ROOT, "%.3f s%n", (System.nanoTime() - start) / 1e9);
    }
  }

  private String campaign(String name, long count) throws IOException, InterruptedException {
    System.err.printf("fuzz.%s: %,d cases, seed %d%n", name, count, seed);
    suspects = 0;
    List<Finding> findings = new ArrayList<>();
    Path progress = Files.createTempFile("weft-fuzz", ".progress");
    long start = System.nanoTime();
    try {
      long next = 0;
      while (next < count) {
        Files.write(progress, new byte[8]);
        List<String> lines = new ArrayList<>();
        int exit = child(name, next, count, progress, 1 << 30, lines);
        if (exit == FuzzWorker.UNKNOWN) {
          throw new IllegalArgumentException(String.join(" ", lines));
        }
        long reached = ByteBuffer.wrap(Files.readAllBytes(progress)).getLong();
        sort(name, lines, progress, findings);
        if (exit == 0 && reached == count) {
          break;
        }
        if (exit != FuzzWorker.HUNG) {
          findings.add(new Finding(Kind.CRASH, "the JVM ended with " + exit, reached));
        }
        next = Math.max(next, reached) + 1;
      }
    } finally {
      Files.deleteIfExists(progress);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    String line = result(name.substring(name.lastIndexOf('.') + 1), count, findings, seconds);
    System.err.println(line);
    findings.stream().limit(SHOWN).forEach(f -> System.err.println("  " + f));
    return line;
  }

  /** Takes what a child found, and looks closer at what it suspects. */
  private void sort(String name, List<String> lines, Path progress, List<Finding> findings)
      throws IOException, InterruptedException {
    for (String line : lines) {
      if (line.startsWith("finding\t")) {
        findings.add(Finding.of(line));
      } else if (line.startsWith("suspect\t")) {
        suspects++;
        String[] parts = line.split("\t");
        long number = Long.parseLong(parts[1]);
        long bytes = Long.parseLong(parts[2]);
        List<String> again = new ArrayList<>();
        int exit = child(name, number, number + 1, progress, FuzzWorker.bound(bytes), again);
        if (exit != 0 || again.stream().anyMatch(l -> l.startsWith("finding\t"))) {
          String what =
              "more than %d MiB of %d bytes".formatted(FuzzWorker.bound(bytes) >> 20, bytes);
          findings.add(new Finding(Kind.OVER_ALLOCATION, what, number));
        }
      }
    }
  }

  private int child(
      String name, long first, long end, Path progress, long heapBytes, List<String> lines)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(INHERITED);
    command.addAll(
        List.of(
            "-Xmx" + heapBytes,
            "-XX:+UseSerialGC",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=/dev/null",
            "-cp",
            System.getProperty("java.class.path"),
            FuzzWorker.class.getName(),
            name,
            String.valueOf(seed),
            String.valueOf(first),
            String.valueOf(end),
            progress.toString()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (BufferedReader reader = process.inputReader()) {
      reader.lines().forEach(lines::add);
    }
    return process.waitFor();
  }

  private String result(String name, long count, List<Finding> findings, double seconds) {
    var counts = new TreeMap<Kind, Integer>();
    var distinct = new TreeSet<String>();
    for (Kind kind : Kind.values()) {
      counts.put(kind, 0);
    }
    for (Finding finding : findings) {
      counts.merge(finding.kind(), 1, Integer::sum);
      distinct.add(finding.kind() + finding.where());
    }
    var line = new StringBuilder();
    line.append(
        String.format(
            Locale.ROOT,
            "{\"name\":\"fuzz.%s\",\"value\":%d,\"unit\":\"cases\",\"seed\":%d,\"cases_per_second\":%.0f",
            name,
            count,
            seed,
            count / seconds));
    counts.forEach((kind, n) -> line.append(",\"%s\":%d".formatted(kind.field, n)));
    line.append(",\"read_again_with_little_memory\":").append(suspects);
    line.append(",\"distinct\":").append(distinct.size());
    line.append(",\"java\":\"").append(Runtime.version()).append("\"}");
    return line.toString();
  }
}
