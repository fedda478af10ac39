package dev.weft.benchmarks.gpu;

import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Weights of a large shape in little memory of the host: every matrix is a part of one pool of
 * random weights, and no two begin at the same place, so that a device holds each of them.
 */
final class PooledModel {
  /** Elements that are random; the pool repeats them. */
  private static final int RANDOM_ELEMENTS = 1 << 22;

  /** Between the begins of two matrices: a multiple of the blocks of all formats. */
  private static final int STEP_ELEMENTS = 1 << 12;

  private final QuantFormat format;
  private final Arena arena;
  private final MemorySegment pool;
  private long nextElement;

  private PooledModel(TransformerSpec spec, QuantFormat format, long seed, Arena arena) {
    this.format = format;
    this.arena = arena;
    long width = spec.embeddingLength();
    long largest = width * Math.max(spec.vocabSize(), spec.feedForwardLength());
    long matrices = 7L * spec.layers() + 2;
    pool = arena.allocate(format.bytes(largest + matrices * STEP_ELEMENTS), 64);
    fill((float) (1 / Math.sqrt(width)), seed);
  }

  /** Weights in one format, vectors in f32. */
  static ModelWeights of(TransformerSpec spec, QuantFormat format, long seed, Arena arena) {
    return new PooledModel(spec, format, seed, arena).weights(spec);
  }

  private void fill(float spread, long seed) {
    var random = new SplittableRandom(seed);
    float[] piece = new float[STEP_ELEMENTS];
    long pieceBytes = format.bytes(STEP_ELEMENTS);
    long written = Math.min(pool.byteSize(), format.bytes(RANDOM_ELEMENTS));
    for (long at = 0; at + pieceBytes <= written; at += pieceBytes) {
      for (int i = 0; i < piece.length; i++) {
        piece[i] = (random.nextInt(2001) - 1000) * 0.001f * spread;
      }
      format.encode(piece, 0, pool, at, piece.length);
    }
    for (long at = written; at < pool.byteSize(); at += written) {
      long count = Math.min(written, pool.byteSize() - at);
      MemorySegment.copy(pool, 0, pool, at, count);
    }
  }

  private ModelWeights weights(TransformerSpec spec) {
    int width = spec.embeddingLength();
    var layers = new ArrayList<LayerWeights>();
    for (int i = 0; i < spec.layers(); i++) {
      layers.add(
          new LayerWeights(
              ones(width),
              matrix("query", spec.attentionWidth(), width),
              matrix("key", spec.kvWidth(), width),
              matrix("value", spec.kvWidth(), width),
              matrix("attention output", width, spec.attentionWidth()),
              ones(width),
              matrix("gate", spec.feedForwardLength(), width),
              matrix("up", spec.feedForwardLength(), width),
              matrix("down", width, spec.feedForwardLength())));
    }
    Tensor embedding = matrix("embedding", spec.vocabSize(), width);
    Tensor output = spec.tiedOutput() ? embedding : matrix("output", spec.vocabSize(), width);
    return new ModelWeights(embedding, layers, ones(width), output);
  }

  private Tensor matrix(String name, int rows, int columns) {
    long at = format.bytes(nextElement);
    nextElement += STEP_ELEMENTS;
    long bytes = format.bytes((long) rows * columns);
    return new Tensor(name, format, rows, columns, pool.asSlice(at, bytes));
  }

  private Tensor ones(int length) {
    float[] ones = new float[length];
    Arrays.fill(ones, 1);
    MemorySegment data = arena.allocate(4L * length, 64);
    QuantFormat.F32.encode(ones, 0, data, 0, length);
    return new Tensor("norm", QuantFormat.F32, 1, length, data);
  }
}
