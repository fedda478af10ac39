package dev.weft.datasets.workload;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The workloads of BlendServe's evaluation (arXiv 2411.16102): the four of its table 2 and the 65
 * of its figure 11, and mixes with real conversations as in its figures 13 to 15.
 */
public final class PaperWorkloads {
  /**
   * What a workload is to be.
   *
   * @param name for reports
   * @param mix what it is mixed from
   * @param density wanted compute seconds over memory seconds
   * @param sharing wanted part of the prompt tokens that is shared
   */
  public record Target(String name, TraceMix mix, double density, double sharing) {
    /** The workload; parameters as for {@link TraceMix#workload}. */
    public Workload workload(int requests, WorkCost cost, long seed) {
      return mix.workload(name, requests, density, sharing, cost, seed);
    }
  }

  private PaperWorkloads() {}

  /** Table 2: traces 1 to 4. */
  public static List<Target> representative() {
    return List.of(
        new Target("trace1", TraceMix.PAPER, 1.4, 0.35),
        new Target("trace2", TraceMix.PAPER, 0.9, 0.35),
        new Target("trace3", TraceMix.PAPER, 1.4, 0.05),
        new Target("trace4", TraceMix.PAPER, 0.9, 0.05));
  }

  /** Figure 11: density 0.80 to 1.40 by 0.05, sharing 0.05 to 0.45 by 0.10. */
  public static List<Target> grid() {
    List<Target> targets = new ArrayList<>();
    for (int density = 80; density <= 140; density += 5) {
      for (int sharing = 5; sharing <= 45; sharing += 10) {
        String name =
            String.format(Locale.ROOT, "d%d.%02d-s%02d", density / 100, density % 100, sharing);
        targets.add(new Target(name, TraceMix.PAPER, density / 100.0, sharing / 100.0));
      }
    }
    return targets;
  }

  /**
   * Chats whose output lengths vary widely although their prompts say nothing of it, in place of
   * the API calls. BlendServe reports at most 1.17 times prefix order for ShareGPT (figure 14).
   */
  public static List<Target> variance() {
    List<Target> targets = new ArrayList<>();
    for (TraceShape chats :
        List.of(TraceShapes.SHARE_GPT, TraceShapes.WILD_CHAT, TraceShapes.LMSYS)) {
      TraceMix mix = new TraceMix(chats, TraceShapes.MMLU, TraceShapes.OPEN_VID);
      targets.add(new Target(chats.name(), mix, 1.1, 0.25));
    }
    return targets;
  }
}
