package dev.weft.kernels.engine;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.RopeTable;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.backend.scalar.ScalarProvider;
import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.sampling.TopTokens;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * The scalar backend, with a fault for chosen tokens.
 *
 * @param fault gets each token id of a step, in the middle of its computation; may throw or wait
 */
record FaultyProvider(IntConsumer fault) implements BackendProvider {
  @Override
  public String name() {
    return "faulty";
  }

  @Override
  public int priority() {
    return -1;
  }

  @Override
  public Availability availability() {
    return Availability.YES;
  }

  @Override
  public boolean fasterThanPlainJava() {
    return false;
  }

  @Override
  public Backend open(BackendConfig config) {
    return new Faulty(new ScalarProvider().open(config), fault);
  }

  private static final class Faulty implements Backend {
    private final Backend scalar;
    private final IntConsumer fault;
    private int[] ids = {};

    Faulty(Backend scalar, IntConsumer fault) {
      this.scalar = scalar;
      this.fault = fault;
    }

    @Override
    public String name() {
      return "faulty";
    }

    @Override
    public int threads() {
      return scalar.threads();
    }

    @Override
    public Weights prepare(List<Tensor> matrices) {
      return scalar.prepare(matrices);
    }

    @Override
    public Activations allocate(int rows, int columns) {
      return scalar.allocate(rows, columns);
    }

    @Override
    public KvCache openKv(KvLayout layout, KvConfig config) {
      return scalar.openKv(layout, config);
    }

    @Override
    public void embed(Tensor table, int[] tokens, int rows, Activations out) {
      ids = java.util.Arrays.copyOf(tokens, rows);
      scalar.embed(table, tokens, rows, out);
    }

    @Override
    public void gather(Activations x, int[] indices, int count, Activations out) {
      scalar.gather(x, indices, count, out);
    }

    @Override
    public void rmsNorm(Activations x, int rows, float[] weight, float epsilon, Activations out) {
      scalar.rmsNorm(x, rows, weight, epsilon, out);
    }

    @Override
    public void matmul(Weights weights, Activations x, int rows, Activations out) {
      scalar.matmul(weights, x, rows, out);
    }

    @Override
    public void add(Activations x, int rows, Activations delta) {
      scalar.add(x, rows, delta);
    }

    @Override
    public void addBias(Activations x, int rows, float[] bias) {
      scalar.addBias(x, rows, bias);
    }

    @Override
    public void addScaled(
        Activations x, int[] indices, int count, Activations delta, float[] scales) {
      scalar.addScaled(x, indices, count, delta, scales);
    }

    @Override
    public void normHeads(
        Activations x, int rows, int column, int heads, int headDim, float[] weight, float eps) {
      scalar.normHeads(x, rows, column, heads, headDim, weight, eps);
    }

    @Override
    public void ropeAndStore(
        Activations qkv,
        AttentionShape shape,
        RopeTable rope,
        RaggedTokens tokens,
        KvCache kv,
        int layer) {
      // Keys and values of the first layer are there and those of the second are not.
      if (layer == 1) {
        for (int id : ids) {
          fault.accept(id);
        }
      }
      scalar.ropeAndStore(qkv, shape, rope, tokens, kv, layer);
    }

    @Override
    public void attention(
        Activations qkv,
        AttentionShape shape,
        RaggedTokens tokens,
        KvCache kv,
        int layer,
        Activations out) {
      scalar.attention(qkv, shape, tokens, kv, layer, out);
    }

    @Override
    public void swiGlu(Activations x, int rows, int upColumn, int width, Activations out) {
      scalar.swiGlu(x, rows, upColumn, width, out);
    }

    @Override
    public void findTop(Activations logits, int vocabulary, TopTokens top) {
      scalar.findTop(logits, vocabulary, top);
    }

    @Override
    public void close() {
      scalar.close();
    }
  }
}
