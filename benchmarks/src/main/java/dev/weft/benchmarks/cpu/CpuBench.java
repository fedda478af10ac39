package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.kernel.MachineLimits;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.jobs.config.BuildInfo;
import dev.weft.jobs.infer.Machine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The CPU engine beside its peers and the limits of the machine.
 *
 * <pre>CpuBench [--out FILE] [--quick | --smoke] [--only PREFIX] [--threads N] [--repetitions N]
 *   [--requests N] [--peer-requests N] [--no-binding] [--seed N] [--work DIR] [--data DIR]</pre>
 */
public final class CpuBench {
  private CpuBench() {}

  public static void main(String[] args) throws Exception {
    Path out = null;
    List<String> only = new ArrayList<>();
    boolean quick = false;
    boolean smoke = false;
    int threads = Runtime.getRuntime().availableProcessors();
    int repetitions = 0;
    int requests = 0;
    int peerRequests = Integer.MAX_VALUE;
    boolean binding = true;
    long seed = 2026;
    Path home = Path.of(System.getenv().getOrDefault("WEFT_HOME", ".")).toAbsolutePath();
    Path work = home.resolve("benchmarks/target/cpu");
    Path data = home.resolve("../shared/data").normalize();
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--smoke" -> smoke = quick = true;
        case "--out" -> out = Path.of(value(args, ++i));
        case "--only" -> only.add(value(args, ++i));
        case "--threads" -> threads = Integer.parseInt(value(args, ++i));
        case "--repetitions" -> repetitions = Integer.parseInt(value(args, ++i));
        case "--requests" -> requests = Integer.parseInt(value(args, ++i));
        case "--peer-requests" -> peerRequests = Integer.parseInt(value(args, ++i));
        case "--no-binding" -> binding = false;
        case "--seed" -> seed = Long.parseLong(value(args, ++i));
        case "--work" -> work = Path.of(value(args, ++i)).toAbsolutePath();
        case "--data" -> data = Path.of(value(args, ++i)).toAbsolutePath();
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    Setting setting =
        new Setting(
            threads,
            quick,
            smoke,
            repetitions > 0 ? repetitions : smoke ? 1 : quick ? 3 : 9,
            requests > 0 ? requests : smoke ? 12 : quick ? 38 : 512,
            peerRequests,
            binding,
            seed,
            work,
            data);
    run(setting, new Results(out, only, about(setting)));
  }

  private static String value(String[] args, int index) {
    if (index == args.length) {
      throw new IllegalArgumentException("option " + args[index - 1] + " needs a value");
    }
    return args[index];
  }

  /** Fields of every line. */
  private static Map<String, Object> about(Setting setting) {
    Map<String, Object> run = new LinkedHashMap<>();
    run.put(
        "device",
        "%s, %d threads, %d-bit vectors, Java %s"
            .formatted(
                Machine.cpu(), setting.threads(), MachineLimits.vectorBits(), Runtime.version()));
    run.put("peer", "llama.cpp b" + LlamaLibrary.BUILD);
    run.put("mode", setting.smoke() ? "smoke" : setting.quick() ? "quick" : "full");
    run.put("commit", BuildInfo.commit());
    run.put("seed", setting.seed());
    return run;
  }

  private static void run(Setting setting, Results results)
      throws IOException, InterruptedException {
    try (Limits limits = new Limits(setting.threads())) {
      LimitSection.run(results, setting, limits);
      phase(() -> CheckSection.run(results, setting));
      new EfficiencySection(results, setting, limits).run();
      new StepSection(results, setting, limits).run();
      phase(() -> LongContextSection.run(results, setting, limits));
      phase(() -> LongContextSection.runFormats(results, setting, limits));
      phase(() -> SharedCoresSection.run(results, setting, limits));
    }
    MemorySection.run(results, setting);
    phase(() -> new SharedPrefixSection(results, setting).run());
    SparkSection.run(results, setting);
    SoakSection.run(results, setting);
  }

  private interface Section {
    void run() throws IOException, InterruptedException;
  }

  private static void phase(Section section) throws IOException, InterruptedException {
    try {
      Phase.run(
          () -> {
            section.run();
            return null;
          });
    } catch (PeerException e) {
      throw new IllegalStateException("a section tells of its peers itself", e);
    }
  }
}
