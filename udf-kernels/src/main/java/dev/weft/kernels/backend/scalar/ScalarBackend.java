package dev.weft.kernels.backend.scalar;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.RopeTable;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.sampling.TopTokens;
import java.util.List;

/**
 * What every operation means, in plain loops. Weights are decoded row by row by their format's
 * reference decoder; every sum runs in double, in order, and is rounded to f32 once.
 */
public final class ScalarBackend implements Backend {
  private final WorkerPool pool;
  private final MemoryBudget budget;

  public ScalarBackend(BackendConfig config) {
    pool = new WorkerPool("weft-scalar", config.threads());
    budget = new MemoryBudget(config.memoryBytes());
  }

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public int threads() {
    return pool.threads();
  }

  @Override
  public Weights prepare(List<Tensor> matrices) {
    return new ScalarWeights(List.copyOf(matrices));
  }

  @Override
  public Activations allocate(int rows, int columns) {
    return new HostActivations(rows, columns);
  }

  @Override
  public KvCache openKv(KvLayout layout, KvConfig config) {
    return new HostKvCache(layout, config, budget);
  }

  @Override
  public void embed(Tensor table, int[] ids, int rows, Activations out) {
    var o = (HostActivations) out;
    pool.forEach(
        rows,
        (r, worker) ->
            table
                .format()
                .decode(
                    table.data(),
                    ids[r] * table.rowBytes(),
                    o.data(),
                    r * o.stride(),
                    table.columns()));
  }

  @Override
  public void gather(Activations x, int[] indices, int count, Activations out) {
    var from = (HostActivations) x;
    var to = (HostActivations) out;
    for (int r = 0; r < count; r++) {
      to.write(r, from.data(), indices[r] * from.stride(), from.columns());
    }
  }

  @Override
  public void rmsNorm(Activations x, int rows, float[] weight, float epsilon, Activations out) {
    var from = (HostActivations) x;
    var to = (HostActivations) out;
    for (int r = 0; r < rows; r++) {
      normalize(
          from.data(),
          r * from.stride(),
          from.columns(),
          weight,
          epsilon,
          to.data(),
          r * to.stride());
    }
  }

  private static void normalize(
      float[] x, int at, int count, float[] weight, float epsilon, float[] out, int outAt) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += (double) x[at + i] * x[at + i];
    }
    double scale = 1 / Math.sqrt(sum / count + epsilon);
    for (int i = 0; i < count; i++) {
      out[outAt + i] = (float) (x[at + i] * scale * weight[i]);
    }
  }

  @Override
  public void matmul(Weights weights, Activations x, int rows, Activations out) {
    var w = (ScalarWeights) weights;
    var from = (HostActivations) x;
    var to = (HostActivations) out;
    for (int m = 0; m < w.matrices().size(); m++) {
      Tensor matrix = w.matrices().get(m);
      int column = w.firstColumn(m);
      int columns = matrix.columns();
      pool.forEach(
          matrix.rows(),
          (output, worker) -> {
            float[] row = new float[columns];
            matrix.decodeRow(output, row);
            for (int r = 0; r < rows; r++) {
              to.data()[r * to.stride() + column + output] =
                  (float) dot(row, 0, from.data(), r * from.stride(), columns);
            }
          });
    }
  }

  private static double dot(float[] a, int aAt, float[] b, int bAt, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += (double) a[aAt + i] * b[bAt + i];
    }
    return sum;
  }

  @Override
  public void add(Activations x, int rows, Activations delta) {
    var a = (HostActivations) x;
    var d = (HostActivations) delta;
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < a.columns(); i++) {
        a.data()[r * a.stride() + i] += d.data()[r * d.stride() + i];
      }
    }
  }

  @Override
  public void addBias(Activations x, int rows, float[] bias) {
    var a = (HostActivations) x;
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < a.columns(); i++) {
        a.data()[r * a.stride() + i] += bias[i];
      }
    }
  }

  @Override
  public void addScaled(
      Activations x, int[] indices, int count, Activations delta, float[] scales) {
    var a = (HostActivations) x;
    var d = (HostActivations) delta;
    for (int r = 0; r < count; r++) {
      for (int i = 0; i < a.columns(); i++) {
        int at = indices[r] * a.stride() + i;
        a.data()[at] = (float) (a.data()[at] + (double) scales[r] * d.data()[r * d.stride() + i]);
      }
    }
  }

  @Override
  public void normHeads(
      Activations x, int rows, int column, int heads, int headDim, float[] weight, float epsilon) {
    var a = (HostActivations) x;
    for (int r = 0; r < rows; r++) {
      for (int h = 0; h < heads; h++) {
        int at = r * a.stride() + column + h * headDim;
        normalize(a.data(), at, headDim, weight, epsilon, a.data(), at);
      }
    }
  }

  @Override
  public void ropeAndStore(
      Activations qkv,
      AttentionShape shape,
      RopeTable rope,
      RaggedTokens tokens,
      KvCache kv,
      int layer) {
    var a = (HostActivations) qkv;
    var cache = (HostKvCache) kv;
    for (int s = 0; s < tokens.sequences(); s++) {
      for (int t = tokens.firstToken(s); t < tokens.firstToken(s + 1); t++) {
        int position = tokens.position(t);
        int row = t * a.stride();
        for (int h = 0; h < shape.heads(); h++) {
          rope.rotate(a.data(), row + shape.queryColumn() + h * shape.headDim(), position);
        }
        int page = tokens.pages(s)[position / KvConfig.PAGE_TOKENS];
        int slot = position % KvConfig.PAGE_TOKENS;
        for (int h = 0; h < shape.kvHeads(); h++) {
          int key = row + shape.keyColumn() + h * shape.headDim();
          int value = row + shape.valueColumn() + h * shape.headDim();
          rope.rotate(a.data(), key, position);
          cache.put(layer, page, slot, h, a.data(), key, a.data(), value);
        }
      }
    }
  }

  @Override
  public void attention(
      Activations qkv,
      AttentionShape shape,
      RaggedTokens tokens,
      KvCache kv,
      int layer,
      Activations out) {
    var a = (HostActivations) qkv;
    var o = (HostActivations) out;
    var attention = new ScalarAttention((HostKvCache) kv, layer, shape);
    int sequences = tokens.sequences();
    pool.forEach(
        sequences * shape.heads(),
        (chunk, worker) -> {
          int s = chunk / shape.heads();
          int h = chunk % shape.heads();
          double[] scores = new double[tokens.maxPosition() + 1];
          for (int t = tokens.firstToken(s); t < tokens.firstToken(s + 1); t++) {
            int query = t * a.stride() + shape.queryColumn() + h * shape.headDim();
            int result = t * o.stride() + h * shape.headDim();
            attention.attend(
                a.data(), query, h, tokens.pages(s), tokens.position(t), scores, o.data(), result);
          }
        });
  }

  @Override
  public void swiGlu(Activations x, int rows, int upColumn, int width, Activations out) {
    var a = (HostActivations) x;
    var o = (HostActivations) out;
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        double gate = a.data()[r * a.stride() + i];
        double up = a.data()[r * a.stride() + upColumn + i];
        o.data()[r * o.stride() + i] = (float) (gate / (1 + Math.exp(-gate)) * up);
      }
    }
  }

  @Override
  public void findTop(Activations logits, int vocabulary, TopTokens top) {
    ((HostActivations) logits).findTop(vocabulary, top);
  }

  @Override
  public void close() {
    pool.close();
  }
}
