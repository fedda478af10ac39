package dev.weft.kernels.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.TestedBackends;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.template.ChatMessage;
import dev.weft.kernels.template.ChatTemplate;
import dev.weft.kernels.template.RenderOptions;
import dev.weft.kernels.template.SpecialTokenGuard;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The shipped demo model from chat messages to greedy tokens, against the goldens that its training
 * wrote beside it (float64 over the decoded weights). The tolerance is that of {@link
 * GoldenLogitsTest}.
 */
class DemoModelTest {
  private static final double ROUNDING = 1e-3;
  private static final Path DEMO =
      Path.of(System.getProperty("weft.project.root", "..")).resolve("datasets/demo");

  static List<BackendProvider> backends() {
    return List.copyOf(TestedBackends.all());
  }

  @ParameterizedTest
  @MethodSource("backends")
  void answersAsItsGoldensSay(BackendProvider provider) throws Exception {
    JsonNode goldens = new ObjectMapper().readTree(DEMO.resolve("goldens.json").toFile());
    try (Model model = Model.open(DEMO.resolve("weft-demo.gguf"));
        Backend backend = provider.open(new BackendConfig(2));
        Transformer transformer = Transformer.open(model, backend, new KvConfig(64))) {
      assertThat(model.contentHash()).isEqualTo(goldens.required("model_sha256").textValue());
      float[] logits = new float[model.spec().vocabSize()];
      for (JsonNode golden : goldens.required("cases")) {
        int[] prompt = prompt(model, golden.required("messages"));
        assertThat(prompt).containsExactly(ints(golden.required("prompt_tokens")));
        step(transformer, prompt, 0, logits);
        for (JsonNode pair : golden.required("logits")) {
          assertThat((double) logits[pair.get(0).intValue()])
              .isCloseTo(pair.get(1).doubleValue(), within(ROUNDING));
        }
        int[] greedy = ints(golden.required("greedy"));
        for (int n = 0; n < greedy.length; n++) {
          if (golden.required("gaps").get(n).doubleValue() > 2 * ROUNDING) {
            assertThat(argmax(logits)).as("greedy token " + n).isEqualTo(greedy[n]);
          }
          step(transformer, new int[] {greedy[n]}, prompt.length + n, logits);
        }
      }
    }
  }

  private static int[] prompt(Model model, JsonNode messages) {
    var chat = new ArrayList<ChatMessage>();
    messages.forEach(
        m ->
            chat.add(
                new ChatMessage(
                    m.required("role").textValue(), m.required("content").textValue())));
    var guard = SpecialTokenGuard.of(model.tokenizer().specialStrings());
    String text =
        ChatTemplate.compile(model.chatTemplate().orElseThrow())
            .render(chat, new RenderOptions(null, null, true, LocalDate.of(2026, 1, 1), guard));
    return model.tokenizer().encodeWithSpecials(text, SpecialTokenGuard.MARK);
  }

  private static void step(Transformer transformer, int[] tokens, int from, float[] logits) {
    var batch = new StepBatch();
    batch.beginSequence(IntStream.range(0, 64).toArray());
    for (int i = 0; i < tokens.length; i++) {
      batch.addToken(tokens[i], from + i, i == tokens.length - 1);
    }
    transformer.forward(batch, logits);
  }

  private static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }
}
