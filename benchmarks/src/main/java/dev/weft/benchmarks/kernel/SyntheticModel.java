package dev.weft.benchmarks.kernel;

import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.RopeSpec;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A llama-shaped model with random weights, made in memory.
 *
 * @param spec shape
 * @param weights normally distributed, with the spread that keeps activations of a depth alike
 */
public record SyntheticModel(TransformerSpec spec, ModelWeights weights) {

  /** 135M parameters: the shape of SmolLM-135M, tied output. */
  public static TransformerSpec shape135m() {
    return shape(30, 576, 9, 3, 1536, 49152);
  }

  /** 1.1B parameters: the shape of TinyLlama, with an output matrix of its own. */
  public static TransformerSpec shape1b() {
    return shape(22, 2048, 32, 4, 5632, 32000, false);
  }

  /** A llama shape with tied output. */
  public static TransformerSpec shape(
      int layers, int width, int heads, int kvHeads, int feedForward, int vocab) {
    return shape(layers, width, heads, kvHeads, feedForward, vocab, true);
  }

  /** A llama shape. */
  public static TransformerSpec shape(
      int layers, int width, int heads, int kvHeads, int feedForward, int vocab, boolean tied) {
    return new TransformerSpec(
        "llama",
        layers,
        width,
        heads,
        kvHeads,
        width / heads,
        feedForward,
        vocab,
        8192,
        1e-5f,
        new RopeSpec(
            RopeSpec.Layout.INTERLEAVED, width / heads, 10000f, new RopeSpec.Scaling.None()),
        tied);
  }

  /** Random weights in one format; vectors are f32. */
  public static SyntheticModel of(
      TransformerSpec spec, QuantFormat format, long seed, Arena arena) {
    var make = new Maker(format, new Random(seed), arena);
    int width = spec.embeddingLength();
    var layers = new ArrayList<LayerWeights>();
    for (int i = 0; i < spec.layers(); i++) {
      layers.add(
          new LayerWeights(
              make.ones(width),
              make.matrix("query", spec.attentionWidth(), width),
              make.matrix("key", spec.kvWidth(), width),
              make.matrix("value", spec.kvWidth(), width),
              make.matrix("attention output", width, spec.attentionWidth()),
              make.ones(width),
              make.matrix("gate", spec.feedForwardLength(), width),
              make.matrix("up", spec.feedForwardLength(), width),
              make.matrix("down", width, spec.feedForwardLength())));
    }
    Tensor embedding = make.matrix("embedding", spec.vocabSize(), width);
    Tensor output = spec.tiedOutput() ? embedding : make.matrix("output", spec.vocabSize(), width);
    return new SyntheticModel(
        spec, new ModelWeights(embedding, List.copyOf(layers), make.ones(width), output));
  }

  private record Maker(QuantFormat format, Random random, Arena arena) {
    Tensor matrix(String name, int rows, int columns) {
      MemorySegment data = arena.allocate(format.bytes((long) rows * columns), 64);
      float spread = (float) (1 / Math.sqrt(columns));
      float[] row = new float[columns];
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          row[c] = (random.nextInt(2001) - 1000) * 0.001f * spread;
        }
        format.encode(row, 0, data, r * format.bytes(columns), columns);
      }
      return new Tensor(name, format, rows, columns, data);
    }

    Tensor ones(int length) {
      float[] ones = new float[length];
      java.util.Arrays.fill(ones, 1f);
      MemorySegment data = arena.allocate(4L * length, 64);
      QuantFormat.F32.encode(ones, 0, data, 0, length);
      return new Tensor("norm", QuantFormat.F32, 1, length, data);
    }
  }
}
