package dev.weft.kernels.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.model.gguf.GgufWriter;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The tiny models of every architecture written as llama.cpp's converter writes them (names, keys,
 * order of the rows of queries and keys, fused and stacked matrices), against the same goldens.
 */
class GgufArchitecturesTest {
  private static final double ROUNDING = 2e-5;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "llama, llama, false",
    "mistral, llama, false",
    "qwen2, qwen2, false",
    "qwen3, qwen3, false",
    "phi3, phi3, false",
    "mixtral, llama, true",
    "mixtral, llama, false",
  })
  void readsTheNamesOfGguf(String name, String gguf, boolean cubes) throws IOException {
    Path shared =
        Path.of(System.getProperty("weft.shared.data", "absent"), "models/architectures", name);
    assumeTrue(Files.isDirectory(shared), "skipped: " + shared + " is not there");
    Path file = folder.resolve("model.gguf");
    TransformerSpec expected;
    try (Model model = Model.open(shared)) {
      expected = model.spec();
      new Converter(model, gguf, cubes).write(file);
    }
    JsonNode golden = new ObjectMapper().readTree(shared.resolve("golden.json").toFile());
    try (Model model = Model.open(file);
        Backend backend = Backends.find("auto").open(new BackendConfig(2));
        Transformer transformer = Transformer.open(model, backend, new KvConfig(8))) {
      assertThat(model.spec().blocks()).isEqualTo(expected.blocks());
      assertThat(model.spec().parametersPerToken()).isEqualTo(expected.parametersPerToken());
      for (JsonNode test : golden.required("cases")) {
        JsonNode prompt = test.required("prompt");
        var batch = new StepBatch();
        batch.beginSequence(IntStream.range(0, 8).toArray());
        for (int t = 0; t < prompt.size(); t++) {
          batch.addToken(prompt.get(t).intValue(), t, t == prompt.size() - 1);
        }
        float[] logits = new float[expected.vocabSize()];
        transformer.forward(batch, logits);
        for (int i = 0; i < logits.length; i++) {
          assertThat((double) logits[i])
              .isCloseTo(test.required("last_logits").get(i).doubleValue(), within(ROUNDING));
        }
      }
    }
  }

  /** Writes an open Hugging Face model as GGUF. */
  private record Converter(Model model, String architecture, boolean cubes) {
    void write(Path file) throws IOException {
      TransformerSpec spec = model.spec();
      var writer = new GgufWriter().put("general.architecture", architecture);
      String p = architecture + ".";
      writer
          .put(p + "block_count", spec.layers())
          .put(p + "embedding_length", spec.embeddingLength())
          .put(p + "feed_forward_length", spec.feedForwardLength())
          .put(p + "context_length", spec.contextLength())
          .put(p + "attention.head_count", spec.heads())
          .put(p + "attention.head_count_kv", spec.kvHeads())
          .put(p + "attention.key_length", spec.headDim())
          .put(p + "attention.value_length", spec.headDim())
          .put(p + "attention.layer_norm_rms_epsilon", spec.rmsNormEpsilon())
          .put(p + "rope.freq_base", spec.rope().theta());
      if (spec.blocks().window(0) > 0) {
        writer.put(p + "attention.sliding_window", spec.blocks().window(0));
      }
      if (spec.blocks().experts() > 1) {
        writer
            .put(p + "expert_count", spec.blocks().experts())
            .put(p + "expert_used_count", spec.blocks().expertsUsed());
      }
      tokenizer(writer, spec.vocabSize());
      tensor(writer, "token_embd.weight", model.weights().tokenEmbedding());
      tensor(writer, "output_norm.weight", model.weights().outputNorm());
      if (!spec.tiedOutput()) {
        tensor(writer, "output.weight", model.weights().output());
      }
      for (int i = 0; i < spec.layers(); i++) {
        layer(writer, "blk." + i + ".", model.weights().layers().get(i));
      }
      writer.write(file);
    }

    private static void tokenizer(GgufWriter writer, int vocabSize) {
      var tokens = new String[vocabSize];
      var types = new int[vocabSize];
      Arrays.setAll(tokens, i -> i < 256 ? "<0x%02X>".formatted(i) : "piece" + i);
      Arrays.setAll(types, i -> i < 256 ? 6 : 1);
      writer
          .put("tokenizer.ggml.model", "llama")
          .put("tokenizer.ggml.tokens", tokens)
          .put("tokenizer.ggml.token_type", types)
          .put("tokenizer.ggml.scores", new float[vocabSize]);
    }

    private void layer(GgufWriter writer, String p, LayerWeights layer) {
      tensor(writer, p + "attn_norm.weight", layer.attentionNorm());
      if (architecture.equals("phi3")) {
        stack(writer, p + "attn_qkv.weight", layer.query(), layer.key(), layer.value());
        stack(writer, p + "ffn_up.weight", layer.gate(), layer.up());
      } else {
        turned(writer, p + "attn_q.weight", layer.query());
        turned(writer, p + "attn_k.weight", layer.key());
        tensor(writer, p + "attn_v.weight", layer.value());
      }
      layer
          .bias()
          .ifPresent(
              b -> {
                tensor(writer, p + "attn_q.bias", b.query());
                tensor(writer, p + "attn_k.bias", b.key());
                tensor(writer, p + "attn_v.bias", b.value());
              });
      layer
          .headNorms()
          .ifPresent(
              n -> {
                tensor(writer, p + "attn_q_norm.weight", n.query());
                tensor(writer, p + "attn_k_norm.weight", n.key());
              });
      tensor(writer, p + "attn_output.weight", layer.attentionOutput());
      tensor(writer, p + "ffn_norm.weight", layer.feedForwardNorm());
      if (layer.router().isPresent()) {
        tensor(writer, p + "ffn_gate_inp.weight", layer.router().get());
        experts(writer, p, layer);
      } else {
        if (!architecture.equals("phi3")) {
          tensor(writer, p + "ffn_gate.weight", layer.gate());
          tensor(writer, p + "ffn_up.weight", layer.up());
        }
        tensor(writer, p + "ffn_down.weight", layer.down());
      }
    }

    private void experts(GgufWriter writer, String p, LayerWeights layer) {
      List<String> names = List.of("ffn_gate", "ffn_up", "ffn_down");
      for (int n = 0; n < 3; n++) {
        int which = n;
        List<Tensor> matrices =
            layer.experts().stream()
                .map(e -> which == 0 ? e.gate() : which == 1 ? e.up() : e.down())
                .toList();
        Tensor first = matrices.getFirst();
        if (cubes) {
          writer.cube(
              p + names.get(n) + "_exps.weight",
              QuantFormat.F32,
              matrices.size(),
              first.rows(),
              first.columns(),
              (row, values) ->
                  matrices
                      .get((int) (row / first.rows()))
                      .decodeRow((int) (row % first.rows()), values));
        } else {
          for (int e = 0; e < matrices.size(); e++) {
            tensor(writer, p + names.get(n) + "." + e + ".weight", matrices.get(e));
          }
        }
      }
    }

    private static void tensor(GgufWriter writer, String name, Tensor tensor) {
      stack(writer, name, tensor);
    }

    private static void stack(GgufWriter writer, String name, Tensor... tensors) {
      int rows = Arrays.stream(tensors).mapToInt(Tensor::rows).sum();
      int columns = tensors[0].columns();
      GgufWriter.Rows fill =
          (row, values) -> {
            int at = (int) row;
            int t = 0;
            while (at >= tensors[t].rows()) {
              at -= tensors[t++].rows();
            }
            tensors[t].decodeRow(at, values);
          };
      if (rows == 1) {
        float[] values = new float[columns];
        fill.fill(0, values);
        writer.vector(name, QuantFormat.F32, values);
      } else {
        writer.matrix(name, QuantFormat.F32, rows, columns, fill);
      }
    }

    /** Files that call themselves llama have the two elements of a turned pair side by side. */
    private void turned(GgufWriter writer, String name, Tensor tensor) {
      if (!architecture.equals("llama")) {
        tensor(writer, name, tensor);
        return;
      }
      int headDim = model.spec().headDim();
      writer.matrix(
          name,
          QuantFormat.F32,
          tensor.rows(),
          tensor.columns(),
          (row, values) -> {
            int head = (int) row / headDim * headDim;
            int element = (int) row % headDim;
            tensor.decodeRow(head + element % 2 * (headDim / 2) + element / 2, values);
          });
    }
  }
}
