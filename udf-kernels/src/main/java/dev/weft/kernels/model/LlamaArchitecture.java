package dev.weft.kernels.model;

import dev.weft.kernels.model.RopeSpec.Scaling;
import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.model.gguf.GgufMetadata;
import java.util.ArrayList;

/**
 * Llama 1 to 3 and everything converted as {@code llama}: RMSNorm, grouped-query attention, rotary
 * positions in interleaved pairs, SwiGLU. Sources: arXiv 2302.13971, arXiv 2407.21783, and the
 * {@code llama} part of {@code gguf-py/gguf/constants.py}.
 */
final class LlamaArchitecture implements ModelArchitecture {
  private static final int MAX_LAYERS = 1 << 12;
  private static final int MAX_WIDTH = 1 << 22;
  private static final int MAX_CONTEXT = 1 << 30;
  private static final String ROPE_DIVISORS = "rope_freqs.weight";

  @Override
  public String name() {
    return "llama";
  }

  @Override
  public TransformerSpec spec(GgufFile file) {
    GgufMetadata metadata = file.metadata();
    if (metadata.integer("llama.expert_count", 0, Integer.MAX_VALUE, 0) > 0) {
      throw unsupported(file, "the model is a mixture of experts", "Use a dense Llama model.");
    }
    int embedding = metadata.integer("llama.embedding_length", 1, MAX_WIDTH);
    int heads = metadata.integer("llama.attention.head_count", 1, MAX_WIDTH);
    int kvHeads = metadata.integer("llama.attention.head_count_kv", 1, heads, heads);
    if (heads % kvHeads != 0) {
      throw metadata.wrong(
          "llama.attention.head_count_kv",
          "is " + kvHeads + ", must divide the " + heads + " heads");
    }
    int headDim = headDim(metadata, embedding, heads);
    String vocabKey = "llama.vocab_size";
    int vocabSize = metadata.strings("tokenizer.ggml.tokens").length;
    int declared = metadata.integer(vocabKey, 1, Integer.MAX_VALUE, vocabSize);
    if (declared != vocabSize) {
      throw metadata.wrong(
          vocabKey, "is " + declared + ", but the tokenizer has " + vocabSize + " tokens");
    }
    float epsilon = metadata.real("llama.attention.layer_norm_rms_epsilon");
    if (epsilon < 0 || epsilon >= 1) {
      throw metadata.wrong(
          "llama.attention.layer_norm_rms_epsilon", "is " + epsilon + ", must be in [0, 1)");
    }
    return new TransformerSpec(
        name(),
        metadata.integer("llama.block_count", 1, MAX_LAYERS),
        embedding,
        heads,
        kvHeads,
        headDim,
        metadata.integer("llama.feed_forward_length", 1, MAX_WIDTH),
        vocabSize,
        metadata.integer("llama.context_length", 1, MAX_CONTEXT),
        epsilon,
        rope(file, headDim),
        file.tensor("output.weight").isEmpty());
  }

  private static int headDim(GgufMetadata metadata, int embedding, int heads) {
    String key = "llama.attention.key_length";
    if (!metadata.contains(key) && embedding % heads != 0) {
      throw metadata.wrong(
          "llama.attention.head_count",
          "is " + heads + ", does not divide the embedding length " + embedding);
    }
    int headDim = metadata.integer(key, 1, MAX_WIDTH / heads, embedding / heads);
    String valueKey = "llama.attention.value_length";
    if (metadata.integer(valueKey, 1, MAX_WIDTH, headDim) != headDim) {
      throw metadata.wrong(valueKey, "differs from the key length " + headDim);
    }
    return headDim;
  }

  private static RopeSpec rope(GgufFile file, int headDim) {
    GgufMetadata metadata = file.metadata();
    String dimensionsKey = "llama.rope.dimension_count";
    int dimensions = metadata.integer(dimensionsKey, 2, headDim, headDim);
    if (dimensions % 2 != 0) {
      throw metadata.wrong(dimensionsKey, "is " + dimensions + ", must be even");
    }
    float theta = metadata.real("llama.rope.freq_base", 10_000);
    if (theta <= 0) {
      throw metadata.wrong("llama.rope.freq_base", "is " + theta + ", must be positive");
    }
    return new RopeSpec(RopeSpec.Layout.INTERLEAVED, dimensions, theta, scaling(file, dimensions));
  }

  private static Scaling scaling(GgufFile file, int dimensions) {
    Scaling scaling = scalingOfMetadata(file);
    if (file.tensor(ROPE_DIVISORS).isEmpty()) {
      return scaling;
    }
    var divisors = new float[dimensions / 2];
    new TensorSource(file).vector(ROPE_DIVISORS, divisors.length).decodeRow(0, divisors);
    float factor =
        switch (scaling) {
          case Scaling.None() -> 1;
          case Scaling.Linear(float linear) -> linear;
          case Scaling.Llama3 _, Scaling.Divisors _ ->
              throw unsupported(
                  file,
                  "rope scaling is given twice, by metadata and by tensor " + ROPE_DIVISORS,
                  ModelFormatException.DAMAGED);
        };
    for (int i = 0; i < divisors.length; i++) {
      divisors[i] *= factor;
      if (!(divisors[i] > 0)) {
        throw unsupported(
            file,
            "tensor " + ROPE_DIVISORS + " has a divisor of " + divisors[i] + " at " + i,
            ModelFormatException.DAMAGED);
      }
    }
    return new Scaling.Divisors(divisors);
  }

  private static Scaling scalingOfMetadata(GgufFile file) {
    GgufMetadata metadata = file.metadata();
    String key = "llama.rope.scaling.type";
    String type = metadata.optionalString(key).orElse(null);
    if (type == null && metadata.contains("llama.rope.scale_linear")) {
      return new Scaling.Linear(positive(metadata, "llama.rope.scale_linear"));
    }
    return switch (type) {
      case null -> new Scaling.None();
      case "none" -> new Scaling.None();
      case "linear" -> new Scaling.Linear(positive(metadata, "llama.rope.scaling.factor"));
      case "llama3" -> llama3(metadata);
      default -> throw metadata.unsupported(key, type, "none, linear and llama3");
    };
  }

  private static Scaling llama3(GgufMetadata metadata) {
    float low = positive(metadata, "llama.rope.scaling.low_freq_factor");
    float high = positive(metadata, "llama.rope.scaling.high_freq_factor");
    if (high <= low) {
      throw metadata.wrong(
          "llama.rope.scaling.high_freq_factor", "must be over low_freq_factor " + low);
    }
    return new Scaling.Llama3(
        positive(metadata, "llama.rope.scaling.factor"),
        low,
        high,
        metadata.integer("llama.rope.scaling.original_context_length", 1, MAX_CONTEXT));
  }

  private static float positive(GgufMetadata metadata, String key) {
    float value = metadata.real(key);
    if (value <= 0) {
      throw metadata.wrong(key, "is " + value + ", must be positive");
    }
    return value;
  }

  @Override
  public ModelWeights weights(TransformerSpec spec, TensorSource tensors) {
    int embedding = spec.embeddingLength();
    Tensor tokens = tensors.matrix("token_embd.weight", spec.vocabSize(), embedding);
    var layers = new ArrayList<LayerWeights>();
    for (int i = 0; i < spec.layers(); i++) {
      layers.add(layer(spec, tensors, "blk." + i + "."));
    }
    Tensor norm = tensors.vector("output_norm.weight", embedding);
    Tensor output =
        spec.tiedOutput() ? tokens : tensors.matrix("output.weight", spec.vocabSize(), embedding);
    if (tensors.contains(ROPE_DIVISORS)) {
      tensors.vector(ROPE_DIVISORS, spec.rope().dimensions() / 2);
    }
    return new ModelWeights(tokens, layers, norm, output);
  }

  private static LayerWeights layer(TransformerSpec spec, TensorSource tensors, String prefix) {
    int embedding = spec.embeddingLength();
    int feedForward = spec.feedForwardLength();
    return new LayerWeights(
        tensors.vector(prefix + "attn_norm.weight", embedding),
        tensors.matrix(prefix + "attn_q.weight", spec.attentionWidth(), embedding),
        tensors.matrix(prefix + "attn_k.weight", spec.kvWidth(), embedding),
        tensors.matrix(prefix + "attn_v.weight", spec.kvWidth(), embedding),
        tensors.matrix(prefix + "attn_output.weight", embedding, spec.attentionWidth()),
        tensors.vector(prefix + "ffn_norm.weight", embedding),
        tensors.matrix(prefix + "ffn_gate.weight", feedForward, embedding),
        tensors.matrix(prefix + "ffn_up.weight", feedForward, embedding),
        tensors.matrix(prefix + "ffn_down.weight", embedding, feedForward));
  }

  private static ModelFormatException unsupported(GgufFile file, String what, String fix) {
    return new ModelFormatException(what, file.path().toString(), fix);
  }
}
