package dev.weft.kernels.backend;

import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.RopeSpec;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Random;

/** Random matrices and models for tests. */
public record RandomTensors(Random random, Arena arena) {
  /** Normally distributed values of the given size. */
  public float[] values(int count, double size) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * size);
    }
    return values;
  }

  /** A matrix of values of the given size; formats that are only read take blocks of any bits. */
  public Tensor matrix(QuantFormat format, int rows, int columns, double size) {
    MemorySegment data = arena.allocate(format.bytes((long) rows * columns), 64);
    if (!format.encodes()) {
      for (long i = 0; i < data.byteSize(); i++) {
        // Any two bytes are an f16 of size below 2, wherever a block has its scales.
        data.set(ValueLayout.JAVA_BYTE, i, (byte) (random.nextInt() & 0x3f));
      }
      return new Tensor(rows + " x " + columns, format, rows, columns, data);
    }
    for (int r = 0; r < rows; r++) {
      format.encode(values(columns, size), 0, data, r * format.bytes(columns), columns);
    }
    return new Tensor(rows + " x " + columns, format, rows, columns, data);
  }

  public Tensor vector(int length) {
    float[] values = values(length, 0.2);
    for (int i = 0; i < length; i++) {
      values[i] += 1;
    }
    MemorySegment data = arena.allocate(4L * length, 64);
    QuantFormat.F32.encode(values, 0, data, 0, length);
    return new Tensor("vector", QuantFormat.F32, 1, length, data);
  }

  public ModelWeights model(TransformerSpec spec, QuantFormat format) {
    int width = spec.embeddingLength();
    double size = 1 / Math.sqrt(width);
    var layers = new ArrayList<LayerWeights>();
    for (int i = 0; i < spec.layers(); i++) {
      layers.add(
          new LayerWeights(
              vector(width),
              matrix(format, spec.attentionWidth(), width, 3 * size),
              matrix(format, spec.kvWidth(), width, 3 * size),
              matrix(format, spec.kvWidth(), width, size),
              matrix(format, width, spec.attentionWidth(), size),
              vector(width),
              matrix(format, spec.feedForwardLength(), width, size),
              matrix(format, spec.feedForwardLength(), width, size),
              matrix(format, width, spec.feedForwardLength(), size)));
    }
    Tensor embedding = matrix(format, spec.vocabSize(), width, 1);
    return new ModelWeights(embedding, layers, vector(width), embedding);
  }

  public static TransformerSpec spec(
      int layers, int width, int heads, int kvHeads, int headDim, int feedForward, int vocab) {
    return new TransformerSpec(
        "llama",
        layers,
        width,
        heads,
        kvHeads,
        headDim,
        feedForward,
        vocab,
        2048,
        1e-5f,
        new RopeSpec(RopeSpec.Layout.INTERLEAVED, headDim, 10000f, new RopeSpec.Scaling.None()),
        true);
  }

  /** Activations with the given rows. */
  public static Activations activations(Backend backend, float[][] rows) {
    Activations activations = backend.allocate(rows.length, rows[0].length);
    for (int r = 0; r < rows.length; r++) {
      activations.write(r, rows[r], 0, rows[r].length);
    }
    return activations;
  }

  public static float[] row(Activations activations, int row, int count) {
    float[] values = new float[count];
    activations.read(row, values, 0, count);
    return values;
  }
}
