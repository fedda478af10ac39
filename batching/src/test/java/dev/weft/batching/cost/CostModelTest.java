package dev.weft.batching.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class CostModelTest {
  private static final ModelShape LLAMA_8B = new ModelShape(8_030_000_000L, 32, 4096, 1024, 2, 2);
  private static final CostModel A100 =
      new CostModel(LLAMA_8B, new DeviceProfile("A100", 312e12, 2.039e12, 0.8, "preset:a100"));

  @Test
  void attentionIsAboutAThirdOfALongPrompt() {
    double whole = A100.prefillSeconds(0, 12_000);
    double linear = 2.0 * 12_000 * LLAMA_8B.parametersPerToken() / 312e12;
    assertThat((whole - linear) / whole).isCloseTo(0.28, within(0.02));
  }

  @Test
  void chunksOfAPromptAddUp() {
    double parts = A100.prefillSeconds(0, 100) + A100.prefillSeconds(100, 733);
    assertThat(parts).isCloseTo(A100.prefillSeconds(0, 733), within(1e-12));
  }

  @Test
  void memoryIsTheSumOfReadsOverTheSteps() {
    double sum = 0;
    for (int step = 0; step < 400; step++) {
      sum += (1_000 + step + 0.5) * LLAMA_8B.kvBytesPerToken() / 2.039e12;
    }
    assertThat(A100.memorySeconds(1_000, 400)).isCloseTo(sum, within(1e-9));
  }

  @Test
  void overlapGoesFromOneAfterTheOtherToPerfect() {
    CostModel serial = new CostModel(LLAMA_8B, A100.device().withOverlap(0));
    CostModel perfect = new CostModel(LLAMA_8B, A100.device().withOverlap(1));
    assertThat(serial.totalSeconds(3, 2)).isEqualTo(5);
    assertThat(perfect.totalSeconds(3, 2)).isEqualTo(3);
    assertThat(A100.totalSeconds(2, 3)).isCloseTo(3.4, within(1e-12));
  }

  @Test
  void aStepReadsTheWeightsOnce() {
    double one = A100.stepMemorySeconds(0);
    assertThat(one).isCloseTo(LLAMA_8B.weightBytes() / 2.039e12, within(1e-12));
    assertThat(A100.stepSeconds(0, 0, 0, 0)).isZero();
    // Chunks of a prompt take the compute of the prompt, about: p^2/2 pairs under the mask.
    long pairs = 1_000L * 1_001 / 2;
    assertThat(A100.stepComputeSeconds(1_000, 1, pairs))
        .isCloseTo(A100.prefillSeconds(0, 1_000), within(1e-5));
  }

  @Test
  void impossibleProfilesSayWhatIsWrong() {
    assertThatThrownBy(() -> new DeviceProfile("d", 0, 1, 0, "x"))
        .hasMessageContaining("calibrate");
    assertThatThrownBy(() -> new DeviceProfile("d", 1, 1, 1.5, "x")).hasMessageContaining("1.5");
    assertThatThrownBy(() -> new ModelShape(0, 1, 1, 1, 1, 1)).hasMessageContaining("P=0");
  }
}
