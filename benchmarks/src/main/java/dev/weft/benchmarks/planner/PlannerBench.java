package dev.weft.benchmarks.planner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Measures the planner on simulated devices, and on this machine the time of planning and how far
 * simulated times are from those of the engine.
 *
 * <pre>PlannerBench [--out FILE] [--quick] [--only PREFIX,...] [--data DIR] [--seed N]
 * PlannerBench --table FILE</pre>
 *
 * <p>Everything but {@code plan.*} and {@code simulator.*} is simulated and deterministic. {@code
 * --only} takes beginnings of names, {@code --table} prints the results of a file as Markdown.
 */
public final class PlannerBench {
  private static final long SEED = 2026;

  private PlannerBench() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    Path out = null;
    Path table = null;
    Path data = dataFolder();
    boolean quick = false;
    String only = "";
    long seed = SEED;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--out" -> out = Path.of(value(args, ++i));
        case "--only" -> only = value(args, ++i);
        case "--data" -> data = Path.of(value(args, ++i));
        case "--seed" -> seed = Long.parseLong(value(args, ++i));
        case "--table" -> table = Path.of(value(args, ++i));
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    if (table != null) {
      System.out.print(PlannerTable.of(read(table)).markdown());
      return;
    }
    run(new Report(System.out, out, only), quick, data, seed);
  }

  private static void run(Report report, boolean quick, Path data, long seed)
      throws IOException, InterruptedException {
    PaperSection paper = new PaperSection(report, quick, seed);
    paper.representative(Device.PAPER_8B);
    paper.representative(Device.PAPER_70B);
    paper.variance(Device.PAPER_8B);
    TraceSection traces = new TraceSection(report, Device.PAPER_8B, quick, data);
    traces.bbh();
    traces.traces();
    new PartitionSection(report, Device.PAPER_8B, quick, seed).run();
    new ScaleSection(report, Device.PAPER_8B, quick, seed).run();
    new SimulatorError(report, quick, seed).run();
    paper.grid(Device.PAPER_8B);
    paper.grid(Device.PAPER_70B);
  }

  private static List<Measurement> read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    for (int i = 0; i < lines.size(); i++) {
      try {
        Measurement.parse(lines.get(i));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(file + ", line " + (i + 1) + ": " + e.getMessage(), e);
      }
    }
    return lines.stream().map(Measurement::parse).toList();
  }

  private static String value(String[] args, int index) {
    if (index == args.length) {
      throw new IllegalArgumentException("option " + args[index - 1] + " needs a value");
    }
    return args[index];
  }

  /** The shared data beside the checkout. */
  private static Path dataFolder() {
    String home = System.getenv("WEFT_HOME");
    return Path.of(home == null ? "." : home).resolve("../shared/data");
  }
}
