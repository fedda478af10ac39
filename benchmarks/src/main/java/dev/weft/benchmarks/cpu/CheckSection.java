package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.model.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * {@code check.greedy.*}: whether llama.cpp, as it is called here, says what Weft says: greedy
 * answers of trained models. Quantized weights may part sooner: llama.cpp then rounds activations
 * to 8 bits, Weft does not.
 */
final class CheckSection {
  private static final String NAME = "check.greedy.";
  private static final String PROMPT = "Once upon a time, there was a little girl";
  private static final int TOKENS = 64;
  private static final String[][] MODELS = {
    {"stories260k.f32", "models/stories260K/stories260K-f32.gguf"},
    {"stories260k.f16", "models/stories260K/stories260K-f16.gguf"},
    {"llama2xs.f32", "models/llama2xs/llama2xs-f32.gguf"},
    {"llama2xs.q8_0", "models/llama2xs/llama2xs-q8_0.gguf"},
    {"llama2xs.q4_0", "models/llama2xs/llama2xs-q4_0.gguf"},
  };

  private CheckSection() {}

  static void run(Results results, Setting setting) throws IOException {
    for (String[] model : MODELS) {
      String name = NAME + model[0];
      if (!results.wants(name)) {
        continue;
      }
      Path file = setting.data().resolve(model[1]);
      if (!Files.exists(file)) {
        results.add(Line.skipped(name, "llama.cpp", model[1] + " is not in " + setting.data()));
        continue;
      }
      try {
        int[] prompt;
        try (Model open = Model.open(file)) {
          prompt = open.tokenizer().encode(PROMPT);
        }
        GreedyCheck.Likeness found = GreedyCheck.compare(file, prompt, TOKENS, setting.threads());
        Line line =
            Line.against(
                name,
                Series.of(found.alike()),
                "tokens until the first that differs",
                "length of the answers",
                Series.of(found.tokens()),
                Double.NaN,
                "greedy, a prompt of " + prompt.length + " tokens, KV in f32");
        results.add(
            line.with(
                Map.of(
                    "logit above the next, where they part",
                    found.gap(),
                    "median of the answer",
                    found.medianGap())));
      } catch (PeerException e) {
        results.add(Line.skipped(name, "llama.cpp", e.getMessage()));
      }
    }
  }
}
