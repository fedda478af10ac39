package dev.weft.benchmarks.planner;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DevicePreset;
import dev.weft.batching.cost.DevicePresets;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.ModelShapes;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.datasets.workload.WorkCost;
import java.util.Locale;

/**
 * A simulated device that runs a model.
 *
 * @param suffix added to names of workloads; empty for the first device of the paper
 * @param model name of the model
 */
record Device(String suffix, String model, DevicePreset preset, ModelShape shape) {
  /**
   * Step of NanoFlow and BlendServe: 2,048 tokens; as many sequences as have a token each in it.
   */
  static final StepLimits LIMITS = new StepLimits(2_048, 2_048);

  static final int PAGE_TOKENS = 16;

  /** Llama-3.1-8B on one A100. */
  static final Device PAPER_8B =
      new Device("", "Llama-3.1-8B", DevicePresets.A100_80G, ModelShapes.LLAMA_3_1_8B);

  /** Llama-3.1-70B on eight A100, tensor parallel. */
  static final Device PAPER_70B =
      new Device(
          "-70b",
          "Llama-3.1-70B",
          DevicePresets.A100_80G.tensorParallel(8),
          ModelShapes.LLAMA_3_1_70B);

  CostModel cost() {
    return new CostModel(shape, preset.profile());
  }

  Device withOverlap(double overlap) {
    return new Device(suffix, model, preset.withOverlap(overlap), shape);
  }

  long kvBudgetTokens() {
    return preset.kvBudgetTokens(shape);
  }

  /** For the results. */
  String text() {
    return String.format(
        Locale.ROOT,
        "simulated %s, %s, overlap %.2f",
        preset.profile().device(),
        model,
        preset.profile().overlap());
  }

  /** Cost for making a mix. The densities do not depend on the overlap. */
  WorkCost workCost() {
    CostModel cost = cost();
    return new WorkCost() {
      @Override
      public double computeSeconds(long promptTokens, long sharedTokens, long outputTokens) {
        return cost.computeSeconds(promptTokens, sharedTokens, outputTokens);
      }

      @Override
      public double memorySeconds(long promptTokens, long outputTokens) {
        return cost.memorySeconds(promptTokens, outputTokens);
      }
    };
  }
}
