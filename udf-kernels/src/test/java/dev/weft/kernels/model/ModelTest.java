package dev.weft.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.model.RopeSpec.Scaling;
import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelTest {
  @TempDir Path folder;

  private static Path shared(String name) {
    Path path = Path.of(System.getProperty("weft.shared.data", "absent"), "models", name);
    Assumptions.assumeTrue(
        Files.exists(path),
        "skipped: " + path + " is not there (system property weft.shared.data)");
    return path;
  }

  @ParameterizedTest
  @CsvSource({
    "stories260K/stories260K-f32.gguf, F32, 172, 512",
    "stories260K/stories260K-f16.gguf, F16, 172, 512",
    "llama2xs/llama2xs-f32.gguf, F32, 192, 256",
    "llama2xs/llama2xs-f16.gguf, F16, 192, 256",
    "llama2xs/llama2xs-q8_0.gguf, Q8_0, 192, 256",
    "llama2xs/llama2xs-q4_0.gguf, Q4_0, 192, 256",
  })
  void opensTrainedModels(String file, QuantFormat format, int feedForward, int context)
      throws IOException {
    try (Model model = Model.open(shared(file))) {
      var rope = new RopeSpec(RopeSpec.Layout.INTERLEAVED, 8, 10_000, new Scaling.None());
      assertThat(model.spec())
          .isEqualTo(
              new TransformerSpec(
                  "llama", 5, 64, 8, 4, 8, feedForward, 512, context, 1e-5f, rope, true));
      ModelWeights weights = model.weights();
      assertThat(weights.layers()).hasSize(5);
      assertThat(weights.output()).isSameAs(weights.tokenEmbedding());
      assertThat(weights.layers().get(4).down().format()).isEqualTo(format);
      assertThat(weights.layers().get(4).down().columns()).isEqualTo(feedForward);
      for (LayerWeights layer : weights.layers()) {
        layer.up().requireFinite(model.path());
      }
      assertThat(model.tokenizer().decode(model.tokenizer().encode("Once upon a time")))
          .isEqualTo("Once upon a time");
      assertThat(model.chatTemplate()).isEmpty();
      assertThat(model.parameters()).isEqualTo(model.spec().parametersPerToken() + 11 * 64);
    }
  }

  @Test
  void opensUntiedOutput() throws IOException {
    try (Model model = Model.open(shared("llama-2-tiny-random.gguf"))) {
      assertThat(model.spec().tiedOutput()).isFalse();
      assertThat(model.weights().output().name()).isEqualTo("output.weight");
      assertThat(model.name()).isEqualTo("LLaMA v2");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gguf-version-1.gguf, GGUF version 1 is not supported",
    "hdr-suppress-eos.gguf, 'the name of tensor 12 is 19, at most 11'",
    "hdr-wrap-first-offset.gguf, token_embd.weight has the data offset 18446744073709551600",
    "hdr-zero-first-dim.gguf, token_embd.weight has 0 elements in dimension 0",
    "valid-small.gguf, 'the file has no tensors, only metadata'",
  })
  void refusesMalformedFiles(String file, String message) {
    Path path = shared("malformed/" + file);
    assertThatThrownBy(() -> Model.open(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(file);
  }

  @Test
  void readsTheControl() throws IOException {
    try (GgufFile file = GgufFile.open(shared("malformed/valid-small.gguf"))) {
      assertThat(file.metadata().strings("tokenizer.ggml.merges", 99).toArray())
          .hasSize(31)
          .contains("t o");
      assertThat(file.tensors()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"absent.gguf", "absent"})
  void failsToReadWhatIsNoFile(String name) {
    assertThatThrownBy(() -> Model.open(folder.resolve(name))).isInstanceOf(IOException.class);
  }

  @Test
  void namesTheContent() throws Exception {
    Path path = SyntheticModels.tiny().write(folder);
    try (Model model = Model.open(path)) {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(path));
      assertThat(model.contentHash()).isEqualTo(HexFormat.of().formatHex(digest));
    }
  }

  @Test
  void refusesAnUnknownArchitecture() throws IOException {
    Path path = SyntheticModels.tiny().with("general.architecture", "mamba").write(folder);
    assertThatThrownBy(() -> Model.open(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("mamba")
        .hasMessageContaining("Supported are [llama, qwen2, qwen3, phi3]");
  }

  @ParameterizedTest
  @CsvSource({
    "llama.attention.head_count_kv, 3, must divide the 4 heads",
    "llama.attention.head_count, 6, 'is 6, does not divide the embedding length 32'",
    "llama.attention.value_length, 4, differs from the key length 8",
    "llama.block_count, 0, must be between 1 and",
    "llama.block_count, 3, tensor blk.2.attn_norm.weight is missing",
    "llama.block_count, 1, tensor blk.1.attn_norm.weight has no role",
    "llama.feed_forward_length, 32, 'tensor blk.0.ffn_gate.weight has the shape [64, 32], the metadata ask for [32, 32]'",
    "llama.rope.dimension_count, 7, must be even",
    "llama.rope.dimension_count, 10, must be between 2 and 8",
    "llama.vocab_size, 7, but the tokenizer has 263 tokens",
    "llama.expert_count, 8, llama.expert_used_count is missing",
    "tokenizer.ggml.bos_token_id, 263, must be between 0 and 262",
  })
  void refusesWrongMetadata(String key, int value, String message) throws IOException {
    Path path = SyntheticModels.tiny().with(key, value).write(folder);
    assertThatThrownBy(() -> Model.open(path))
        .isInstanceOf(ModelFormatException.class)
        .message()
        .containsPattern(message.contains("|") ? message : java.util.regex.Pattern.quote(message));
  }

  @Test
  void refusesOtherTypesAndMissingKeys() throws IOException {
    Path path = SyntheticModels.tiny().with("llama.context_length", "long").write(folder);
    assertThatThrownBy(() -> Model.open(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("llama.context_length is STRING, must be an integer");
    Path without = SyntheticModels.tiny().without("llama.context_length").write(folder);
    assertThatThrownBy(() -> Model.open(without))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("llama.context_length is missing");
  }

  @Test
  void refusesNormsThatAreNotFinite() throws IOException {
    Path path = SyntheticModels.tiny().withNorm(Float.NaN).write(folder);
    assertThatThrownBy(() -> Model.open(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(
            "tensor blk.0.attn_norm.weight has NaN at row 0, column 0 (in " + path);
  }

  @Test
  void findsMatricesThatAreNotFinite() throws IOException {
    Path path = SyntheticModels.tiny().write(folder);
    long scale;
    try (GgufFile file = GgufFile.open(path)) {
      scale = file.tensor("blk.1.ffn_up.weight").orElseThrow().offset() + 3 * 34;
    }
    try (Model model = Model.open(path)) {
      model.requireFinite();
    }
    byte[] bytes = Files.readAllBytes(path);
    bytes[(int) scale] = 0;
    bytes[(int) scale + 1] = 0x7C;
    Files.write(path, bytes);
    try (Model model = Model.open(path)) {
      assertThatThrownBy(model::requireFinite)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor blk.1.ffn_up.weight")
          .hasMessageContaining(" at row ");
    }
  }

  @Test
  void readsHeadSizesOfTheirOwn() throws IOException {
    Path path =
        SyntheticModels.tiny()
            .with("llama.attention.key_length", 16)
            .with("llama.attention.value_length", 16)
            .with("llama.rope.dimension_count", 16)
            .headDim(16)
            .write(folder);
    try (Model model = Model.open(path)) {
      assertThat(model.spec().headDim()).isEqualTo(16);
      assertThat(model.spec().attentionWidth()).isEqualTo(64);
    }
  }

  @Test
  void readsRopeScaling() throws IOException {
    assertThat(scaling(SyntheticModels.tiny())).isEqualTo(new Scaling.None());
    assertThat(
            scaling(
                SyntheticModels.tiny()
                    .with("llama.rope.scaling.type", "linear")
                    .with("llama.rope.scaling.factor", 4f)))
        .isEqualTo(new Scaling.Linear(4));
    assertThat(scaling(SyntheticModels.tiny().with("llama.rope.scale_linear", 2f)))
        .isEqualTo(new Scaling.Linear(2));
    assertThat(
            scaling(
                SyntheticModels.tiny()
                    .with("llama.rope.scaling.type", "llama3")
                    .with("llama.rope.scaling.factor", 8f)
                    .with("llama.rope.scaling.low_freq_factor", 1f)
                    .with("llama.rope.scaling.high_freq_factor", 4f)
                    .with("llama.rope.scaling.original_context_length", 8192)))
        .isEqualTo(new Scaling.Llama3(8, 1, 4, 8192));
    assertThat(scaling(SyntheticModels.tiny().ropeDivisors(1, 1, 2, 8)))
        .isInstanceOfSatisfying(
            Scaling.Divisors.class, d -> assertThat(d.divisors()).containsExactly(1, 1, 2, 8));
    assertThatThrownBy(
            () -> scaling(SyntheticModels.tiny().with("llama.rope.scaling.type", "yarn")))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("Supported are none, linear and llama3");
    assertThatThrownBy(() -> scaling(SyntheticModels.tiny().ropeDivisors(1, 1, 2, 0)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("rope_freqs.weight");
  }

  private Scaling scaling(SyntheticModels model) throws IOException {
    try (Model opened = Model.open(model.write(folder))) {
      return opened.spec().rope().scaling();
    }
  }

  /** Whatever the bytes of the header, a model is opened and can be used, or is refused. */
  @ParameterizedTest
  @ValueSource(longs = {11, 12})
  void opensOrRefusesMutations(long seed) throws IOException {
    Path whole = SyntheticModels.tiny().write(folder);
    byte[] bytes = Files.readAllBytes(whole);
    int headerBytes;
    try (GgufFile file = GgufFile.open(whole)) {
      headerBytes = (int) file.tensors().iterator().next().offset();
    }
    var random = new Random(seed);
    Path path = folder.resolve("mutated.gguf");
    int opened = 0;
    for (int round = 0; round < 1000; round++) {
      byte[] mutated = bytes.clone();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        int at = random.nextInt(headerBytes);
        mutated[at] =
            (byte)
                (random.nextBoolean() ? random.nextInt(256) : mutated[at] ^ 1 << random.nextInt(8));
      }
      Files.write(path, mutated);
      try (Model model = Model.open(path)) {
        int[] ids = model.tokenizer().encodeWithSpecials("<s>abab", '\uFDD0');
        model.tokenizer().decode(ids);
        for (int id : ids) {
          assertThat(id).isBetween(0, model.spec().vocabSize() - 1);
          model.weights().tokenEmbedding().decodeRow(id, new float[model.spec().embeddingLength()]);
        }
        opened++;
      } catch (ModelFormatException e) {
        assertThat(e.getMessage()).isNotBlank();
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ", round " + round, e);
      }
    }
    assertThat(opened).isBetween(1, 999);
  }

  /** A header that is cut off anywhere is refused. */
  @Test
  void refusesEveryPrefix() throws IOException {
    byte[] whole = Files.readAllBytes(SyntheticModels.tiny().write(folder));
    Path path = folder.resolve("prefix.gguf");
    for (int length = 0; length < whole.length; length += length < 5000 ? 7 : 997) {
      Files.write(path, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> Model.open(path)).isInstanceOf(ModelFormatException.class);
    }
  }
}
