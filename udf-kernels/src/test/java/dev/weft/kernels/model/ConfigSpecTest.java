package dev.weft.kernels.model;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.RopeSpec.Scaling;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigSpecTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static ObjectNode config(String type) throws IOException {
    return (ObjectNode)
        JSON.readTree(
            """
            {"model_type": "%s", "architectures": ["XForCausalLM"], "hidden_size": 64,
             "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2,
             "intermediate_size": 96, "vocab_size": 100, "max_position_embeddings": 4096,
             "rms_norm_eps": 1e-5}
            """
                .formatted(type));
  }

  private static TransformerSpec spec(ObjectNode config) {
    byte[] json = config.toString().getBytes(UTF_8);
    return new ConfigSpec(JsonObject.parse(ByteBuffer.wrap(json), "config.json")).spec();
  }

  private static TransformerSpec spec(String type, String more) throws IOException {
    ObjectNode config = config(type);
    config.setAll((ObjectNode) JSON.readTree(more));
    return spec(config);
  }

  @Test
  void readsThePlainBlock() throws IOException {
    var rope = new RopeSpec(RopeSpec.Layout.HALVES, 8, 10_000, new Scaling.None());
    assertThat(spec(config("llama")))
        .isEqualTo(new TransformerSpec("llama", 4, 64, 8, 2, 8, 96, 100, 4096, 1e-5f, rope, false));
  }

  @Test
  void readsWhatArchitecturesHaveBeyondIt() throws IOException {
    assertThat(spec(config("qwen2")).blocks().qkvBias()).isTrue();
    assertThat(spec(config("qwen3")).blocks().headNorms()).isTrue();
    TransformerSpec mixtral =
        spec("mixtral", "{\"num_local_experts\": 8, \"num_experts_per_tok\": 2}");
    assertThat(mixtral.blocks().experts()).isEqualTo(8);
    assertThat(mixtral.blocks().expertsUsed()).isEqualTo(2);
    assertThat(mixtral.parametersPerToken())
        .isEqualTo(4 * (64L * (2 * 64 + 2 * 16) + 2 * 3 * 64 * 96 + 8 * 64) + 100 * 64);
  }

  @Test
  void readsWindows() throws IOException {
    assertThat(spec("mistral", "{\"sliding_window\": 32}").blocks().windows())
        .isEqualTo(List.of(32, 32, 32, 32));
    assertThat(spec("mistral", "{\"sliding_window\": null}").blocks().windows()).isEmpty();
    assertThat(spec("mistral", "{\"sliding_window\": 4096}").blocks().windows()).isEmpty();
    assertThat(spec("llama", "{\"sliding_window\": 32}").blocks().windows()).isEmpty();
    String qwen = "{\"sliding_window\": 32, \"use_sliding_window\": %s, \"max_window_layers\": 3}";
    assertThat(spec("qwen2", qwen.formatted(false)).blocks().windows()).isEmpty();
    assertThat(spec("qwen2", qwen.formatted(true)).blocks().windows())
        .isEqualTo(List.of(0, 0, 0, 32));
    String types =
        """
        {"sliding_window": 32, "use_sliding_window": true, "layer_types":
         ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]}
        """;
    assertThat(spec("qwen3", types).blocks().windows()).isEqualTo(List.of(32, 0, 32, 0));
  }

  @Test
  void readsRopeOfOldAndNewFiles() throws IOException {
    assertThat(spec("llama", "{\"rope_theta\": 500000}").rope().theta()).isEqualTo(500_000);
    String llama3 =
        """
        "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
        "original_max_position_embeddings": 8192}}
        """;
    var scaling = new Scaling.Llama3(8, 1, 4, 8192);
    assertThat(
            spec("llama", "{\"rope_scaling\": {\"rope_type\": \"llama3\"," + llama3)
                .rope()
                .scaling())
        .isEqualTo(scaling);
    RopeSpec rope =
        spec(
                "llama",
                "{\"rope_parameters\": {\"rope_theta\": 7, \"rope_type\": \"llama3\"," + llama3)
            .rope();
    assertThat(rope.scaling()).isEqualTo(scaling);
    assertThat(rope.theta()).isEqualTo(7);
    assertThat(
            spec("llama", "{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}}")
                .rope()
                .scaling())
        .isEqualTo(new Scaling.Linear(2));
    assertThat(spec("phi3", "{\"partial_rotary_factor\": 0.75}").rope().dimensions()).isEqualTo(6);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model_type | \"gemma\" | Supported are [llama, mistral, qwen2, qwen3, phi3, mixtral]",
        "model_type | null | key model_type is missing",
        "architectures | [\"LlamaForTokenClassification\"] | architectures is LlamaForToken",
        "quantization_config | {\"quant_method\": \"gptq\"} | quantization_config is set",
        "attention_bias | true | attention_bias is set",
        "mlp_bias | true | mlp_bias is set",
        "hidden_act | \"gelu\" | hidden_act is gelu",
        "hidden_size | \"64\" | hidden_size is \"64\", must be an integer",
        "hidden_size | 1e999 | hidden_size is Infinity, must be an integer",
        "hidden_size | 18446744073709551680 | must be an integer",
        "hidden_size | 60 | is 8, does not divide hidden_size 60",
        "num_hidden_layers | 0 | must be between 1 and 4096",
        "num_hidden_layers | 2147483648 | must be between 1 and 4096",
        "num_attention_heads | -8 | must be between 1",
        "num_key_value_heads | 3 | must divide the 8 heads",
        "num_key_value_heads | 16 | must be between 1 and 8",
        "head_dim | 4194304 | head_dim is 4194304, must be between 1 and 524288",
        "vocab_size | 0 | must be between 1",
        "rms_norm_eps | -1 | must be in [0, 1)",
        "rope_theta | 0 | must be positive",
        "partial_rotary_factor | 0.4 | must make an even part",
        "partial_rotary_factor | 2 | must make an even part",
        "rope_scaling | {\"type\": \"longrope\"} | rope_scaling.type is longrope",
        "rope_scaling | {\"rope_type\": \"yarn\"} | Supported are default, linear and llama3",
        "rope_scaling | {\"rope_type\": \"linear\"} | rope_scaling.factor is missing",
        "rope_parameters | {\"full_attention\": {}} | rope_parameters.type is missing",
        "tie_word_embeddings | 1 | must be true or false",
      })
  void refusesByName(String key, String value, String message) throws IOException {
    ObjectNode config = config("llama");
    config.set(key, JSON.readTree(value.equals("1e999") ? "0" : value));
    String json = config.toString();
    if (value.equals("1e999")) {
      json = json.replace("\"hidden_size\":0", "\"hidden_size\":1e999");
    }
    ByteBuffer bytes = ByteBuffer.wrap(json.getBytes(UTF_8));
    assertThatThrownBy(() -> new ConfigSpec(JsonObject.parse(bytes, "config.json")).spec())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("config.json");
  }

  /** A folder whose config does not fit its weights is refused, as is one without either. */
  @Test
  void refusesFoldersThatDoNotFit(@TempDir Path folder) throws IOException {
    assertThatThrownBy(() -> Model.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("has no config.json");
    Files.writeString(folder.resolve("config.json"), config("llama").toString());
    assertThatThrownBy(() -> Model.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("has no *.safetensors file");
    weights(folder, "F32", 100, 64);
    assertThatThrownBy(() -> Model.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("tensor model.layers.0.input_layernorm.weight is missing");
    weights(folder, "F32", 64, 100);
    assertThatThrownBy(() -> Model.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("has the shape [64, 100], the metadata ask for [100, 64]");
    weights(folder, "I32", 100, 64);
    assertThatThrownBy(() -> Model.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("has the dtype I32")
        .hasMessageContaining("Weights can be F32, F16 and BF16");
    Path file = folder.resolve("model.safetensors");
    assertThatThrownBy(() -> Model.open(file))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("Give the folder that holds it");
  }

  private static void weights(Path folder, String dtype, int rows, int columns) throws IOException {
    String header =
        "{\"model.embed_tokens.weight\":{\"dtype\":\"%s\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]}}"
            .formatted(dtype, rows, columns, 4 * rows * columns);
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length() + 4 * rows * columns)
            .order(java.nio.ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length())
            .put(header.getBytes(UTF_8));
    Files.write(folder.resolve("model.safetensors"), file.array());
  }
}
