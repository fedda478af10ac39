package dev.weft.benchmarks.cpu;

import com.github.tjake.jlama.model.DistributedContext;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.TensorInfo;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * The weights of a model as Jlama, which reads no GGUF, asks for them: as f32, by their Hugging
 * Face names. It makes its own 4-bit blocks of them. Queries and keys keep the order of GGUF, which
 * takes the same time and gives other answers.
 */
@SuppressWarnings("rawtypes") // Jlama takes raw tensors
final class JlamaWeights implements WeightLoader {
  private final Map<String, Tensor> tensors = new HashMap<>();

  JlamaWeights(Model model) {
    tensors.put("model.embed_tokens.weight", model.weights().tokenEmbedding());
    tensors.put("model.norm.weight", model.weights().outputNorm());
    if (!model.spec().tiedOutput()) {
      tensors.put("lm_head.weight", model.weights().output());
    }
    for (int i = 0; i < model.spec().layers(); i++) {
      LayerWeights layer = model.weights().layers().get(i);
      String prefix = "model.layers." + i + ".";
      tensors.put(prefix + "input_layernorm.weight", layer.attentionNorm());
      tensors.put(prefix + "self_attn.q_proj.weight", layer.query());
      tensors.put(prefix + "self_attn.k_proj.weight", layer.key());
      tensors.put(prefix + "self_attn.v_proj.weight", layer.value());
      tensors.put(prefix + "self_attn.o_proj.weight", layer.attentionOutput());
      tensors.put(prefix + "post_attention_layernorm.weight", layer.feedForwardNorm());
      tensors.put(prefix + "mlp.gate_proj.weight", layer.gate());
      tensors.put(prefix + "mlp.up_proj.weight", layer.up());
      tensors.put(prefix + "mlp.down_proj.weight", layer.down());
    }
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  @Override
  public Map<String, TensorInfo> tensorInfoMap() {
    return Map.of();
  }

  @Override
  public boolean isWeightPresent(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public AbstractTensor load(
      String name, DistributedContext context, boolean sparseRows, boolean sparseColumns) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("Jlama asks for a tensor " + name);
    }
    FloatBuffer values =
        ByteBuffer.allocateDirect(Math.multiplyExact(tensor.rows() * tensor.columns(), Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    float[] row = new float[tensor.columns()];
    for (int r = 0; r < tensor.rows(); r++) {
      tensor.decodeRow(r, row);
      values.put(row);
    }
    TensorShape shape =
        tensor.rows() == 1
            ? TensorShape.of(tensor.columns())
            : TensorShape.of(tensor.rows(), tensor.columns());
    return new FloatBufferTensor(name, values.flip(), shape, true);
  }

  /** What it makes of them: with this it takes the same ways as with a file in its 4-bit format. */
  @Override
  public DType getModelDType() {
    return DType.Q4;
  }

  @Override
  public void close() {}
}
