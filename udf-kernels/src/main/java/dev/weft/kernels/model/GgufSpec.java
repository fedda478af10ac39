package dev.weft.kernels.model;

import dev.weft.kernels.model.RopeSpec.Scaling;
import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.model.gguf.GgufMetadata;
import java.util.List;

/**
 * The shape of a model as the metadata of a GGUF file give it: {@code gguf-py/gguf/constants.py} of
 * llama.cpp. All architectures have the same keys behind their own name.
 */
final class GgufSpec {
  private static final int MAX_LAYERS = 1 << 12;
  private static final int MAX_WIDTH = 1 << 22;
  private static final int MAX_CONTEXT = 1 << 30;
  private static final int MAX_EXPERTS = 1 << 10;
  private static final List<ModelArchitecture> NAMED =
      ModelArchitecture.KNOWN.stream().filter(ModelArchitecture::inGguf).toList();

  /** Divisors of the angles, where they are not given by metadata. */
  static final String ROPE_DIVISORS = "rope_freqs.weight";

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final String prefix;
  private final ModelArchitecture architecture;

  GgufSpec(GgufFile file) {
    this.file = file;
    metadata = file.metadata();
    String name = metadata.string("general.architecture");
    ModelArchitecture named = ModelArchitecture.of(name, NAMED, file.path().toString());
    prefix = name + ".";
    boolean experts = metadata.integer(prefix + "expert_count", 0, MAX_EXPERTS, 0) > 0;
    if (experts && named != ModelArchitecture.LLAMA) {
      throw metadata.unsupported(
          prefix + "expert_count", "over 0", "mixtures of experts of the architecture llama");
    }
    architecture = experts ? ModelArchitecture.MIXTRAL : named;
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
    int layers = metadata.integer(prefix + "block_count", 1, MAX_LAYERS);
    int embedding = metadata.integer(prefix + "embedding_length", 1, MAX_WIDTH);
    int heads = metadata.integer(prefix + "attention.head_count", 1, MAX_WIDTH);
    int kvHeads = metadata.integer(prefix + "attention.head_count_kv", 1, heads, heads);
    if (heads % kvHeads != 0) {
      throw metadata.wrong(
          prefix + "attention.head_count_kv",
          "is " + kvHeads + ", must divide the " + heads + " heads");
    }
    int headDim = headDim(embedding, heads);
    String vocabKey = prefix + "vocab_size";
    int vocabSize = metadata.stringCount("tokenizer.ggml.tokens");
    int declared = metadata.integer(vocabKey, 1, Integer.MAX_VALUE, vocabSize);
    if (declared != vocabSize) {
      throw metadata.wrong(
          vocabKey, "is " + declared + ", but the tokenizer has " + vocabSize + " tokens");
    }
    float epsilon = metadata.real(prefix + "attention.layer_norm_rms_epsilon");
    if (epsilon < 0 || epsilon >= 1) {
      throw metadata.wrong(
          prefix + "attention.layer_norm_rms_epsilon", "is " + epsilon + ", must be in [0, 1)");
    }
    return new TransformerSpec(
        architecture.name(),
        layers,
        embedding,
        heads,
        kvHeads,
        headDim,
        metadata.integer(prefix + "feed_forward_length", 1, MAX_WIDTH),
        vocabSize,
        metadata.integer(prefix + "context_length", 1, MAX_CONTEXT),
        epsilon,
        rope(headDim),
        file.tensor(TensorNames.GGUF.output() + ".weight").isEmpty(),
        blocks(layers));
  }

  private int headDim(int embedding, int heads) {
    String key = prefix + "attention.key_length";
    if (!metadata.contains(key) && embedding % heads != 0) {
      throw metadata.wrong(
          prefix + "attention.head_count",
          "is " + heads + ", does not divide the embedding length " + embedding);
    }
    int headDim = metadata.integer(key, 1, MAX_WIDTH / heads, embedding / heads);
    String valueKey = prefix + "attention.value_length";
    if (metadata.integer(valueKey, 1, MAX_WIDTH, headDim) != headDim) {
      throw metadata.wrong(valueKey, "differs from the key length " + headDim);
    }
    return headDim;
  }

  private RopeSpec rope(int headDim) {
    String dimensionsKey = prefix + "rope.dimension_count";
    int dimensions = metadata.integer(dimensionsKey, 2, headDim, headDim);
    if (dimensions % 2 != 0) {
      throw metadata.wrong(dimensionsKey, "is " + dimensions + ", must be even");
    }
    float theta = metadata.real(prefix + "rope.freq_base", 10_000);
    if (theta <= 0) {
      throw metadata.wrong(prefix + "rope.freq_base", "is " + theta + ", must be positive");
    }
    return new RopeSpec(architecture.ggufRope(), dimensions, theta, scaling(dimensions));
  }

  private Scaling scaling(int dimensions) {
    Scaling scaling = scalingOfMetadata();
    if (file.tensor(ROPE_DIVISORS).isEmpty()) {
      return scaling;
    }
    var divisors = new float[dimensions / 2];
    new TensorSource(new WeightStore.Gguf(file))
        .vector(ROPE_DIVISORS, divisors.length)
        .decodeRow(0, divisors);
    float factor =
        switch (scaling) {
          case Scaling.None() -> 1;
          case Scaling.Linear(float linear) -> linear;
          case Scaling.Llama3 _, Scaling.Divisors _ ->
              throw unsupported(
                  "rope scaling is given twice, by metadata and by tensor " + ROPE_DIVISORS,
                  ModelFormatException.DAMAGED);
        };
    for (int i = 0; i < divisors.length; i++) {
      divisors[i] *= factor;
      if (!(divisors[i] > 0)) {
        throw unsupported(
            "tensor " + ROPE_DIVISORS + " has a divisor of " + divisors[i] + " at " + i,
            ModelFormatException.DAMAGED);
      }
    }
    return new Scaling.Divisors(divisors);
  }

  private Scaling scalingOfMetadata() {
    String key = prefix + "rope.scaling.type";
    String type = metadata.optionalString(key).orElse(null);
    if (type == null && metadata.contains(prefix + "rope.scale_linear")) {
      return new Scaling.Linear(positive(prefix + "rope.scale_linear"));
    }
    return switch (type) {
      case null -> new Scaling.None();
      case "none" -> new Scaling.None();
      case "linear" -> new Scaling.Linear(positive(prefix + "rope.scaling.factor"));
      case "llama3" -> llama3();
      default -> throw metadata.unsupported(key, type, "none, linear and llama3");
    };
  }

  private Scaling llama3() {
    float low = positive(prefix + "rope.scaling.low_freq_factor");
    float high = positive(prefix + "rope.scaling.high_freq_factor");
    if (high <= low) {
      throw metadata.wrong(
          prefix + "rope.scaling.high_freq_factor", "must be over low_freq_factor " + low);
    }
    return new Scaling.Llama3(
        positive(prefix + "rope.scaling.factor"),
        low,
        high,
        metadata.integer(prefix + "rope.scaling.original_context_length", 1, MAX_CONTEXT));
  }

  private float positive(String key) {
    float value = metadata.real(key);
    if (value <= 0) {
      throw metadata.wrong(key, "is " + value + ", must be positive");
    }
    return value;
  }

  private BlockSpec blocks(int layers) {
    String patternKey = prefix + "attention.sliding_window_pattern";
    if (metadata.contains(patternKey)) {
      throw metadata.unsupported(patternKey, "set", "sliding windows of all layers");
    }
    int window = metadata.integer(prefix + "attention.sliding_window", 0, MAX_CONTEXT, 0);
    int experts = 1;
    int used = 1;
    if (architecture.experts()) {
      experts = metadata.integer(prefix + "expert_count", 2, MAX_EXPERTS);
      used = metadata.integer(prefix + "expert_used_count", 1, experts);
    }
    return new BlockSpec(
        architecture.qkvBias(),
        architecture.headNorms(),
        BlockSpec.sameWindows(layers, window),
        experts,
        used);
  }

  private ModelFormatException unsupported(String what, String fix) {
    return new ModelFormatException(what, file.path().toString(), fix);
  }
}
