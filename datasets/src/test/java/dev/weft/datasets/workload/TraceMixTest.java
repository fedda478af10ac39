package dev.weft.datasets.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class TraceMixTest {
  private static final int REQUESTS = 30_000;

  /** Llama-3.1-8B at the peak rates of an A100. */
  static final WorkCost COST =
      new WorkCost() {
        @Override
        public double computeSeconds(long prompt, long shared, long output) {
          double pairs = (double) prompt * prompt - (double) shared * shared;
          return (2.0 * (prompt - shared + output) * 8.03e9 + 4 * pairs * 4096 * 32) / 312e12;
        }

        @Override
        public double memorySeconds(long prompt, long output) {
          return (prompt * (double) output + 0.5 * output * output) * 131_072 / 2.039e12;
        }
      };

  @Test
  void hitsDensityAndSharingOfThePaper() {
    for (PaperWorkloads.Target target : PaperWorkloads.representative()) {
      Workload workload = target.workload(REQUESTS, COST, 11);
      assertThat(workload.size()).isEqualTo(REQUESTS);
      assertThat(sharingOfTree(workload))
          .as("sharing of " + target.name())
          .isCloseTo(target.sharing(), within(TraceMix.TOLERANCE * target.sharing()));
      assertThat(workload.sharing()).isCloseTo(sharingOfTree(workload), within(1e-9));
      assertThat(density(workload))
          .as("density of " + target.name())
          .isCloseTo(target.density(), within(TraceMix.TOLERANCE * target.density()));
    }
  }

  @Test
  void hitsTheCornersOfTheGridAndTheConversations() {
    List<PaperWorkloads.Target> grid = PaperWorkloads.grid();
    assertThat(grid).hasSize(65);
    List<PaperWorkloads.Target> targets =
        new ArrayList<>(List.of(grid.get(0), grid.get(4), grid.get(60), grid.get(64)));
    targets.addAll(PaperWorkloads.variance());
    for (PaperWorkloads.Target target : targets) {
      Workload workload = target.workload(REQUESTS, COST, 5);
      assertThat(workload.sharing())
          .as("sharing of " + target.name())
          .isCloseTo(target.sharing(), within(TraceMix.TOLERANCE * target.sharing()));
      assertThat(density(workload))
          .as("density of " + target.name())
          .isCloseTo(target.density(), within(TraceMix.TOLERANCE * target.density()));
    }
  }

  @Test
  void tracesHaveTheirPublishedDensities() {
    double[] published = {17.78, 54.91, 0.05, 3.12, 2.13};
    TraceShape[] shapes = {
      TraceShapes.BURST_GPT,
      TraceShapes.MMLU,
      TraceShapes.OPEN_VID,
      TraceShapes.SHARE_GPT,
      TraceShapes.WILD_CHAT
    };
    for (int i = 0; i < shapes.length; i++) {
      TraceSample sample = new TraceSample(shapes[i], 20_000, COST, 3);
      double density = sample.computeSeconds(20_000) / sample.memorySeconds(20_000);
      System.out.printf(
          "%s: density %.3f, published %.2f%n", shapes[i].name(), density, published[i]);
      assertThat(density).as(shapes[i].name()).isCloseTo(published[i], within(0.1 * published[i]));
    }
  }

  @Test
  void aSeedFixesTheWorkloadAndAnotherOneChangesIt() {
    PaperWorkloads.Target target = PaperWorkloads.representative().get(1);
    Workload first = target.workload(20_000, COST, 7);
    Workload again = target.workload(20_000, COST, 7);
    Workload other = target.workload(20_000, COST, 8);
    int different = 0;
    for (int i = 0; i < first.size(); i += 97) {
      assertThat(again.prompt(i)).isEqualTo(first.prompt(i));
      assertThat(again.outputTokens(i)).isEqualTo(first.outputTokens(i));
      assertThat(again.maxOutputTokens(i)).isEqualTo(first.maxOutputTokens(i));
      different += Arrays.equals(other.prompt(i), first.prompt(i)) ? 0 : 1;
    }
    assertThat(different).isGreaterThan(200);
  }

  @Test
  void targetsOutOfReachAreNamed() {
    assertThatThrownBy(() -> TraceMix.PAPER.workload("steep", 5_000, 1.4, 0.95, COST, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("steep")
        .hasMessageContaining("take more requests");
  }

  private static double density(Workload workload) {
    double compute = 0;
    double memory = 0;
    int[][] prompts = sortedPrompts(workload);
    for (int i = 0; i < prompts.length; i++) {
      compute += COST.computeSeconds(prompts[i].length, i == 0 ? 0 : common(prompts, i), 0);
    }
    for (int i = 0; i < workload.size(); i++) {
      compute += COST.computeSeconds(0, 0, workload.outputTokens(i));
      memory += COST.memorySeconds(workload.promptTokens(i), workload.outputTokens(i));
    }
    return compute / memory;
  }

  private static double sharingOfTree(Workload workload) {
    int[][] prompts = sortedPrompts(workload);
    long shared = 0;
    for (int i = 1; i < prompts.length; i++) {
      shared += common(prompts, i);
    }
    return (double) shared / workload.totalPromptTokens();
  }

  private static int common(int[][] prompts, int i) {
    int mismatch = Arrays.mismatch(prompts[i - 1], prompts[i]);
    return mismatch < 0 ? prompts[i].length : mismatch;
  }

  private static int[][] sortedPrompts(Workload workload) {
    int[][] prompts = new int[workload.size()][];
    Arrays.setAll(prompts, workload::prompt);
    Arrays.sort(prompts, Arrays::compare);
    return prompts;
  }
}
