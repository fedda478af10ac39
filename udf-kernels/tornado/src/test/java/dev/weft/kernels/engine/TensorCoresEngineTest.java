package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.backend.tornado.FailingDevice;
import dev.weft.kernels.backend.tornado.TornadoProvider;
import dev.weft.kernels.energy.EnergyConfig;
import dev.weft.kernels.energy.EnergyMeters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Answers on tensor cores are the same in any order and batch, and with CUDA graphs or without. */
@Timeout(600)
class TensorCoresEngineTest {
  @TempDir static Path folder;

  private static List<TestRequest> requests() {
    List<TestRequest> requests = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      String prompt = "a prefix that is longer than one page. request ".substring(i % 3) + i;
      requests.add(TestRequest.greedy(i, TinyModel.tokens(prompt)).maxTokens(4 + i % 5));
    }
    return requests;
  }

  private static Map<Long, String> answers(
      Path model, List<TestRequest> requests, int sequences, int budget, CudaGraphs graphs)
      throws Exception {
    EngineConfig config =
        EngineConfig.builder(model)
            .backend("tornado")
            .threads(1)
            .tensorCores(true)
            .cudaGraphs(graphs)
            .kvBudgetBytes(1 << 20)
            .budgetTokens(budget)
            .maxSequences(sequences)
            .build();
    Map<Long, String> answers = new HashMap<>();
    var meter = EnergyMeters.detect(EnergyConfig.ofCpu());
    try (Engine engine = BatchingEngine.open(config, meter, new TornadoProvider())) {
      for (TestResult result : EngineRuns.run(engine, requests, 7).results()) {
        assertThat(result.errorCode()).as("row %d", result.row()).isEqualTo("null");
        assertThat(answers.put(result.row(), result.answer())).isNull();
      }
    }
    return answers;
  }

  @Test
  void theBatchChangesNoAnswer() throws Exception {
    assumeTrue(FailingDevice.isCuda(), "tensor cores need TornadoVM's CUDA driver");
    Path model = TinyModel.write(folder);
    List<TestRequest> requests = requests();
    // Prompts of 100 tokens in a step, then one sequence after the other.
    Map<Long, String> together = answers(model, requests, 10, 100, CudaGraphs.TRUE);
    assertThat(together).hasSize(requests.size());
    Map<Long, String> alone = answers(model, requests.reversed(), 1, 16, CudaGraphs.FALSE);
    assertThat(alone).isEqualTo(together);
  }
}
