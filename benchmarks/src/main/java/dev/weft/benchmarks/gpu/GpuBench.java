package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.jobs.config.BuildInfo;
import dev.weft.jobs.infer.Machine;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The GPU backend: whether it is right, and its speed beside the limits of the device.
 *
 * <pre>GpuBench [--out FILE] [--quick] [--only PREFIX]... [--device N] [--repetitions N]
 *   [--seed N] [--python PYTHON] [--gpullama3 DIR]</pre>
 */
public final class GpuBench {
  private static final String BACKEND = "tornado";
  private static final String TENSOR_CORES = "tensor_cores";

  private GpuBench() {}

  public static void main(String[] args) throws Exception {
    Path out = null;
    List<String> only = new ArrayList<>();
    boolean quick = false;
    int device = 0;
    int repetitions = 0;
    long seed = 2026;
    String python = null;
    Path gpullama3 = null;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--out" -> out = Path.of(value(args, ++i));
        case "--only" -> only.add(value(args, ++i));
        case "--device" -> device = Integer.parseInt(value(args, ++i));
        case "--repetitions" -> repetitions = Integer.parseInt(value(args, ++i));
        case "--seed" -> seed = Long.parseLong(value(args, ++i));
        case "--python" -> python = value(args, ++i);
        case "--gpullama3" -> gpullama3 = Path.of(value(args, ++i));
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    BackendProvider provider = Backends.find(BACKEND);
    // `auto` takes this backend only where it has a GPU.
    boolean gpu = Backends.find("auto").name().equals(BACKEND);
    int rounds = repetitions > 0 ? repetitions : quick || !gpu ? 3 : 9;
    var setting = new GpuSetting(provider, device, gpu, quick, rounds, seed, false);
    run(setting, new Results(out, only, about(setting)), python, gpullama3);
  }

  private static String value(String[] args, int index) {
    if (index == args.length) {
      throw new IllegalArgumentException("option " + args[index - 1] + " needs a value");
    }
    return args[index];
  }

  /** Fields of every line. */
  static Map<String, Object> about(GpuSetting setting) {
    String name = Machine.device(setting.provider(), setting.device());
    Map<String, Object> run = new LinkedHashMap<>();
    run.put("device", setting.gpu() ? name : name + ": not a GPU, its speeds say nothing of one");
    run.put("mode", !setting.gpu() ? "tiny" : setting.quick() ? "quick" : "full");
    run.put("commit", BuildInfo.commit());
    run.put("seed", setting.seed());
    return run;
  }

  /**
   * @param python with torch and transformers; null for none
   * @param gpullama3 folder of GPULlama3.java, built; null for none
   */
  static void run(GpuSetting setting, Results results, String python, Path gpullama3)
      throws IOException, InterruptedException {
    // Before Weft takes the device's memory.
    var peers = new PeerRates();
    if (results.wants("peer.") || python != null || results.wants(PythonPeer.LIBRARY_RATE)) {
      PythonPeer.run(results, setting, python, peers);
    }
    if (results.wants("peer.") || gpullama3 != null) {
      GpuLlama3Peer.run(results, setting, gpullama3, peers);
    }
    int failures = 0;
    try (var energy = new EnergyWindow(setting)) {
      for (GpuSetting way : ways(results, setting)) {
        LogitsCheck.run(results, way);
        LimitSection.run(results, way);
        for (GpuShape shape : way.shapes()) {
          for (QuantFormat format : GpuShape.FORMATS) {
            var section = new ModelSection(results, way, energy, peers, shape, format);
            failures += run(section, left(way, shape, format), results) ? 0 : 1;
          }
        }
      }
    } catch (PeerException e) {
      throw new IllegalStateException("no peer takes part", e);
    }
    if (failures > 0) {
      throw new IllegalStateException(
          failures + " models could not be measured to their end; their lines say why");
    }
  }

  /** With tensor cores, first, where a GPU has them that TornadoVM drives; and without. */
  private static List<GpuSetting> ways(Results results, GpuSetting setting) {
    if (!setting.gpu()) {
      return List.of(setting);
    }
    GpuSetting tensor = setting.withTensorCores();
    try {
      tensor.open().close();
      return List.of(tensor, setting);
    } catch (IllegalArgumentException e) {
      results.add(Line.skipped(TENSOR_CORES, "", "not measured: " + e.getMessage()));
      return List.of(setting);
    }
  }

  /** Whether quick mode leaves a model out. */
  private static boolean left(GpuSetting way, GpuShape shape, QuantFormat format) {
    boolean main = format == QuantFormat.Q8_0 || way.tensorCores() && format == QuantFormat.F16;
    return way.quick() && shape == GpuShape.LLAMA_8B && !main;
  }

  /**
   * @return whether it was measured to its end, or is not asked for
   */
  private static boolean run(ModelSection section, boolean left, Results results)
      throws PeerException, InterruptedException {
    if (section.names().stream().noneMatch(results::wants)) {
      return true;
    }
    if (left) {
      section.names().forEach(n -> results.add(Line.skipped(n, "", "quick mode leaves it out")));
      return true;
    }
    try {
      section.run();
      return true;
    } catch (RuntimeException e) {
      // One model that does not fit the device must not take the others' results.
      e.printStackTrace();
      section.names().stream()
          .filter(n -> !results.has(n))
          .forEach(n -> results.add(Line.skipped(n, "", "failed: " + e)));
      return false;
    }
  }
}
