package dev.weft.benchmarks.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.benchmarks.kernel.SyntheticFile;
import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaSlotsTest {
  private static final TransformerSpec TINY = SyntheticModel.shape(1, 64, 4, 2, 128, 400, false);

  @TempDir Path folder;

  @Test
  void computesACommonBeginningOnceInASlot() throws Exception {
    Path file = folder.resolve("tiny.gguf");
    SyntheticFile.write(file, TINY, 256, QuantFormat.F32, 7);
    int[] first = {1, 20, 30, 40, 50};
    int[] second = {1, 20, 30, 60};
    int[] other = {300, 301};
    String reason = "";
    try {
      LlamaLibrary.get();
    } catch (PeerException e) {
      reason = e.getMessage();
    }
    assumeTrue(reason.isEmpty(), reason);

    try (LlamaModelFile model = LlamaModelFile.open(file)) {
      // One slot: the other request between the two takes the beginning away.
      assertThat(shared(model, 1, List.of(first, second))).isEqualTo(3);
      assertThat(shared(model, 1, List.of(first, other, second))).isZero();
      // Two slots: the second goes where the first was. A prompt's last token is always computed.
      assertThat(shared(model, 2, List.of(first, other, second))).isEqualTo(3);
      assertThat(shared(model, 1, List.of(first, first))).isEqualTo(4);
    }
  }

  private static long shared(LlamaModelFile model, int slots, List<int[]> prompts)
      throws PeerException {
    try (LlamaSlots server = new LlamaSlots(model, 1, slots, 64, false, 0.1, 3)) {
      server.run(prompts);
      return server.sharedTokens();
    }
  }
}
