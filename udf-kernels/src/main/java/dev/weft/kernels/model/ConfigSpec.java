package dev.weft.kernels.model;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.RopeSpec.Scaling;
import java.util.ArrayList;
import java.util.List;

/**
 * The shape of a model as {@code config.json} of a Hugging Face folder gives it. What the forward
 * pass cannot do is refused by name.
 */
final class ConfigSpec {
  private static final int MAX_LAYERS = 1 << 12;
  private static final int MAX_WIDTH = 1 << 22;
  private static final int MAX_CONTEXT = 1 << 30;
  private static final int MAX_EXPERTS = 1 << 10;
  private static final int MAX_VOCABULARY = 1 << 24;
  private static final double DEFAULT_THETA = 10_000;

  private final JsonObject config;
  private final ModelArchitecture architecture;

  ConfigSpec(JsonObject config) {
    this.config = config;
    architecture =
        ModelArchitecture.of(config.string("model_type"), ModelArchitecture.KNOWN, config.where());
    for (Object name : config.array("architectures")) {
      if (!String.valueOf(name).endsWith("ForCausalLM")) {
        throw config.unsupported("architectures", name.toString(), "models for causal LM");
      }
    }
    refuse("quantization_config", config.contains("quantization_config"), "unquantized weights");
    refuse(
        "attention_bias",
        config.bool("attention_bias", false) && !architecture.qkvBias(),
        "models without it");
    refuse("mlp_bias", config.bool("mlp_bias", false), "models without it");
    String activation = config.optionalString("hidden_act").orElse("silu");
    if (!activation.equals("silu") && !activation.equals("swish")) {
      throw config.unsupported("hidden_act", activation, "silu");
    }
  }

  private void refuse(String key, boolean set, String supported) {
    if (set) {
      throw config.unsupported(key, "set", supported);
    }
  }

  /** The architecture that the file names. */
  ModelArchitecture architecture() {
    return architecture;
  }

  /**
   * The shape.
   *
   * @throws ModelFormatException if a key is missing or out of range, or asks for something that
   *     the forward pass cannot do
   */
  TransformerSpec spec() {
    int layers = config.integer("num_hidden_layers", 1, MAX_LAYERS);
    int embedding = config.integer("hidden_size", 1, MAX_WIDTH);
    int heads = config.integer("num_attention_heads", 1, MAX_WIDTH);
    int kvHeads = config.integer("num_key_value_heads", 1, heads, heads);
    if (heads % kvHeads != 0) {
      throw config.wrong(
          "num_key_value_heads", "is " + kvHeads + ", must divide the " + heads + " heads");
    }
    if (!config.contains("head_dim") && embedding % heads != 0) {
      throw config.wrong(
          "num_attention_heads", "is " + heads + ", does not divide hidden_size " + embedding);
    }
    int headDim = config.integer("head_dim", 1, MAX_WIDTH / heads, embedding / heads);
    double epsilon = config.real("rms_norm_eps");
    if (epsilon < 0 || epsilon >= 1) {
      throw config.wrong("rms_norm_eps", "is " + epsilon + ", must be in [0, 1)");
    }
    int context = config.integer("max_position_embeddings", 1, MAX_CONTEXT);
    return new TransformerSpec(
        architecture.name(),
        layers,
        embedding,
        heads,
        kvHeads,
        headDim,
        config.integer("intermediate_size", 1, MAX_WIDTH),
        config.integer("vocab_size", 1, MAX_VOCABULARY),
        context,
        (float) epsilon,
        rope(headDim),
        config.bool("tie_word_embeddings", false),
        blocks(layers, context));
  }

  /** Since transformers 5 in {@code rope_parameters}, before in keys of their own. */
  private RopeSpec rope(int headDim) {
    JsonObject scaling =
        config
            .optionalObject("rope_parameters")
            .or(() -> config.optionalObject("rope_scaling"))
            .orElse(null);
    double theta = config.real("rope_theta", DEFAULT_THETA);
    double share = config.real("partial_rotary_factor", 1);
    if (scaling != null) {
      theta = scaling.real("rope_theta", theta);
      share = scaling.real("partial_rotary_factor", share);
    }
    if (!(theta > 0)) {
      throw config.wrong("rope_theta", "is " + theta + ", must be positive");
    }
    int dimensions = (int) (headDim * share);
    if (!(share > 0 && share <= 1) || dimensions % 2 != 0 || dimensions == 0) {
      throw config.wrong(
          "partial_rotary_factor",
          "is " + share + ", must make an even part of the " + headDim + " elements of a head");
    }
    return new RopeSpec(
        RopeSpec.Layout.HALVES,
        dimensions,
        (float) theta,
        scaling == null ? new Scaling.None() : scaling(scaling));
  }

  private static Scaling scaling(JsonObject rope) {
    String key = rope.contains("rope_type") ? "rope_type" : "type";
    String type = rope.string(key);
    return switch (type) {
      case "default", "none" -> new Scaling.None();
      case "linear" -> new Scaling.Linear(positive(rope, "factor"));
      case "llama3" -> {
        float low = positive(rope, "low_freq_factor");
        float high = positive(rope, "high_freq_factor");
        if (high <= low) {
          throw rope.wrong("high_freq_factor", "must be over low_freq_factor " + low);
        }
        yield new Scaling.Llama3(
            positive(rope, "factor"),
            low,
            high,
            rope.integer("original_max_position_embeddings", 1, MAX_CONTEXT));
      }
      default -> throw rope.unsupported(key, type, "default, linear and llama3");
    };
  }

  private static float positive(JsonObject object, String key) {
    double value = object.real(key);
    if (!((float) value > 0)) {
      throw object.wrong(key, "is " + value + ", must be positive");
    }
    return (float) value;
  }

  private BlockSpec blocks(int layers, int context) {
    int experts = 1;
    int used = 1;
    if (architecture.experts()) {
      experts = config.integer("num_local_experts", 2, MAX_EXPERTS);
      used = config.integer("num_experts_per_tok", 1, experts);
    }
    return new BlockSpec(
        architecture.qkvBias(), architecture.headNorms(), windows(layers, context), experts, used);
  }

  private List<Integer> windows(int layers, int context) {
    boolean windowed =
        switch (architecture.window()) {
          case NONE -> false;
          case ALL_LAYERS -> config.contains("sliding_window");
          case UPPER_LAYERS -> config.bool("use_sliding_window", false);
        };
    if (!windowed) {
      return List.of();
    }
    int window = config.integer("sliding_window", 1, MAX_CONTEXT);
    if (window >= context) {
      return List.of();
    }
    if (config.contains("layer_types")) {
      return windowsByType(config.array("layer_types"), layers, window);
    }
    if (architecture.window() == ModelArchitecture.Window.ALL_LAYERS) {
      return BlockSpec.sameWindows(layers, window);
    }
    int first = config.integer("max_window_layers", 0, MAX_LAYERS);
    var windows = new ArrayList<Integer>();
    for (int i = 0; i < layers; i++) {
      windows.add(i < first ? 0 : window);
    }
    return windows;
  }

  private List<Integer> windowsByType(List<?> types, int layers, int window) {
    if (types.size() != layers) {
      throw config.wrong(
          "layer_types", "has " + types.size() + " entries for " + layers + " layers");
    }
    var windows = new ArrayList<Integer>();
    for (Object type : types) {
      windows.add(
          switch (String.valueOf(type)) {
            case "full_attention" -> 0;
            case "sliding_attention" -> window;
            default ->
                throw config.unsupported(
                    "layer_types", String.valueOf(type), "full_attention and sliding_attention");
          });
    }
    return windows;
  }
}
