package dev.weft.benchmarks.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.benchmarks.kernel.SyntheticFile;
import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaBridgeTest {
  private static final TransformerSpec TINY = SyntheticModel.shape(2, 64, 4, 2, 128, 400, false);
  private static final int THREADS = 1;

  @TempDir Path folder;

  @BeforeEach
  void needsTheLibrary() {
    String reason = "";
    try {
      LlamaLibrary.get();
    } catch (PeerException e) {
      reason = e.getMessage();
    }
    assumeTrue(reason.isEmpty(), reason);
  }

  @Test
  void saysWhatWeftSays() throws Exception {
    int[] prompt = {1, 105, 117, 40, 300, 302, 5, 77};
    Path file = model(QuantFormat.F32);

    int[] ours = GreedyCheck.ours(file, prompt, 24, THREADS).tokens();

    assertThat(GreedyCheck.llama(file, prompt, 24, THREADS)).isEqualTo(ours);
    assertThat(IntStream.of(ours).distinct().count()).isGreaterThan(4);
  }

  @Test
  void computesSequencesApart() throws Exception {
    Path file = model(QuantFormat.F32);
    int[][] prompts = {{1, 9, 8, 7}, {1, 300, 20, 310}, {1, 44, 45, 46}};
    int[] alone = new int[prompts.length];
    for (int s = 0; s < prompts.length; s++) {
      alone[s] = GreedyCheck.llama(file, prompts[s], 1, THREADS)[0];
    }
    var options = new LlamaContext.Options(THREADS, 256, 3, 64, 64, false, -1, LlamaLayouts.F32);

    try (LlamaModelFile model = LlamaModelFile.open(file);
        LlamaContext context = model.context(options);
        LlamaBatch batch = new LlamaBatch(64)) {
      for (int s = 0; s < prompts.length; s++) {
        for (int i = 0; i < 4; i++) {
          batch.add(prompts[s][i], i, s, i == 3);
        }
      }
      context.decode(batch);
      for (int s = 0; s < prompts.length; s++) {
        assertThat(context.greedy(4 * s + 3)).isEqualTo(alone[s]);
      }
      // Cut back and computed again, with cells that others hold between: the same.
      context.keep(1, 2);
      batch.clear();
      batch.add(prompts[1][2], 2, 1, false);
      batch.add(prompts[1][3], 3, 1, true);
      context.decode(batch);
      assertThat(context.greedy(1)).isEqualTo(alone[1]);
    }
  }

  @Test
  void saysWhyAFileIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("no.gguf"), "this is no model");

    assertThatThrownBy(() -> LlamaModelFile.open(file))
        .isInstanceOf(PeerException.class)
        .hasMessageContaining("refuses");
  }

  private Path model(QuantFormat format) throws IOException {
    Path file = folder.resolve("tiny-" + format + ".gguf");
    SyntheticFile.write(file, TINY, 256, format, 7);
    return file;
  }
}
