package dev.weft.batching.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DevicePresetsTest {
  /** BlendServe's example: 60 GB of an A100 are left for KV beside the weights of an 8B model. */
  @Test
  void keepsAsMuchMemoryForKvAsThePaper() {
    long tokens = DevicePresets.A100_80G.kvBudgetTokens(ModelShapes.LLAMA_3_1_8B);
    assertThat(tokens * ModelShapes.LLAMA_3_1_8B.kvBytesPerToken()).isCloseTo(60e9, within(0.1e9));
  }

  /** At 0.6 of the compute rate and 0.8 of the bandwidth, NanoFlow's working point. */
  @Test
  void overlapsAsNanoFlowDoes() {
    CostModel cost = new CostModel(ModelShapes.LLAMA_3_1_8B, DevicePresets.A100_80G.profile());
    assertThat(cost.totalSeconds(0.6, 0.8)).isCloseTo(1, within(1e-9));
  }

  @Test
  void tensorParallelismMultipliesRatesAndMemory() {
    DevicePreset eight = DevicePresets.A100_80G.tensorParallel(8);
    assertThat(eight.profile().flopsPerSecond())
        .isEqualTo(8 * DevicePresets.A100_80G.profile().flopsPerSecond());
    assertThat(eight.kvBudgetTokens(ModelShapes.LLAMA_3_1_70B)).isBetween(1_400_000L, 1_450_000L);
    assertThatThrownBy(() -> DevicePresets.A100_80G.kvBudgetTokens(ModelShapes.LLAMA_3_1_70B))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use more devices");
  }

  @Test
  void unknownNamesListTheKnownOnes() {
    assertThat(DevicePresets.named("h200")).isSameAs(DevicePresets.H200);
    assertThatThrownBy(() -> DevicePresets.named("tpu"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a100-80g, h100-80g, h200");
  }
}
