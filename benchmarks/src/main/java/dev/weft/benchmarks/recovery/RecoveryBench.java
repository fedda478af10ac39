package dev.weft.benchmarks.recovery;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * What a run loses, repeats and costs when parts of it are killed.
 *
 * <pre>RecoveryBench [--out FILE] [--only kill|soak|restart|ledger] [--seed S]
 *   [--runs N] [--requests N]     kill: runs, and requests of each
 *   [--model tiny|demo]           kill: a tiny model, or the demo's, which warms up for long
 *   [--minutes M]                 soak
 *   [--rows N]                    restart, ledger</pre>
 */
public final class RecoveryBench {
  private enum Part {
    KILL,
    SOAK,
    RESTART,
    LEDGER
  }

  private RecoveryBench() {}

  public static void main(String[] args) throws Exception {
    Path out = null;
    Part only = null;
    int runs = 200;
    int minutes = 60;
    int rows = 100_000;
    int requests = 120;
    long seed = 2026;
    String model = "tiny";
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--out" -> out = Path.of(value(args, ++i));
        case "--runs" -> runs = Integer.parseInt(value(args, ++i));
        case "--requests" -> requests = Integer.parseInt(value(args, ++i));
        case "--rows" -> rows = Integer.parseInt(value(args, ++i));
        case "--seed" -> seed = Long.parseLong(value(args, ++i));
        case "--minutes" -> minutes = Integer.parseInt(value(args, ++i));
        case "--model" -> model = value(args, ++i);
        case "--only" -> only = Part.valueOf(value(args, ++i).toUpperCase(Locale.ROOT));
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    Path home = Path.of(System.getenv().getOrDefault("WEFT_HOME", ".")).toAbsolutePath();
    Path work = home.resolve("benchmarks/target/recovery");
    Path demo = home.resolve("datasets/demo");
    Measurements results = new Measurements(out, seed);
    if (only == null || only == Part.KILL) {
      if (!model.equals("tiny") && !model.equals("demo")) {
        throw new IllegalArgumentException("--model is tiny or demo, not " + model);
      }
      Path of = model.equals("demo") ? demo : null;
      kill(
          new KillRuns.Setting(of, requests, runs, seed, Fault::random),
          work.resolve("kill-" + seed),
          results);
    }
    if (only == null || only == Part.RESTART) {
      ResumeOverhead.restart(work.resolve("restart"), rows, results);
    }
    if (only == null || only == Part.LEDGER) {
      ResumeOverhead.ledger(work.resolve("ledgerless"), rows, results);
    }
    if (only == null || only == Part.SOAK) {
      Soak.run(demo, work.resolve("soak"), minutes, results);
    }
  }

  private static String value(String[] args, int index) {
    if (index == args.length) {
      throw new IllegalArgumentException("option " + args[index - 1] + " needs a value");
    }
    return args[index];
  }

  private static void kill(KillRuns.Setting setting, Path folder, Measurements results)
      throws Exception {
    System.err.println("recovery: seeds " + setting.seed() + " and up, one for each run");
    KillRuns.Sums sums = KillRuns.run(setting, folder, line -> System.err.println("  " + line));
    Map<String, Object> load = Map.of("workload", setting.workload());
    results.add(
        "kill.runs",
        sums.runs,
        "runs",
        Map.of(
            "faults",
            sums.kinds,
            "resumed",
            sums.resumes,
            "starts",
            sums.starts,
            "seconds",
            sums.seconds));
    results.add("kill.unfinished", sums.unfinished, "runs", Map.of("target", 0));
    results.add("kill.lost", sums.lost, "rows", Map.of("target", 0));
    results.add("kill.duplicated", sums.duplicated, "rows", Map.of("target", 0));
    results.add("kill.changed", sums.changed, "rows", Map.of("target", 0));
    results.add("kill.recomputed_share", sums.recomputedShare(), "share of requests", load);
    for (String line : sums.broken) {
      System.err.println("BROKEN: " + line);
    }
  }
}
