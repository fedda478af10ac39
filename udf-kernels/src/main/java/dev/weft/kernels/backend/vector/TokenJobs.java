package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.RopeTable;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.model.Tensor;
import java.util.Arrays;

/**
 * Operations on each token for itself, in chunks of tokens. The jobs are objects that are reused.
 */
final class TokenJobs {
  private static final int ROWS = 8;

  private final WorkerPool pool;
  private final float[][] partials;
  private final Norm norm = new Norm();
  private final Add add = new Add();
  private final AddBias addBias = new AddBias();
  private final AddScaled addScaled = new AddScaled();
  private final NormHeads normHeads;
  private final SwiGlu swiGlu = new SwiGlu();
  private final Embed embed = new Embed();
  private final RopeAndStore rope = new RopeAndStore();

  TokenJobs(WorkerPool pool) {
    this.pool = pool;
    partials = new float[pool.threads()][RowKernels.PARTIALS];
    normHeads = new NormHeads();
  }

  private void forRows(int rows, WorkerPool.Job job) {
    pool.forEachAlike((rows + ROWS - 1) / ROWS, job);
  }

  private static void check(HostActivations a, int rows, int columns, String what) {
    if (rows > a.rows() || columns > a.stride()) {
      throw new IllegalArgumentException(
          what
              + " of "
              + rows
              + " x "
              + columns
              + " in activations of "
              + a.rows()
              + " x "
              + a.stride());
    }
  }

  void rmsNorm(HostActivations x, int rows, float[] weight, float epsilon, HostActivations out) {
    check(x, rows, x.columns(), "norm");
    check(out, rows, x.stride(), "norm");
    if (weight.length < x.stride()) {
      throw new IllegalArgumentException(
          "norm weight of " + weight.length + " elements for " + x.stride());
    }
    norm.x = x;
    norm.weight = weight;
    norm.epsilon = epsilon;
    norm.out = out;
    norm.rows = rows;
    forRows(rows, norm);
  }

  void add(HostActivations x, int rows, HostActivations delta) {
    check(x, rows, x.columns(), "sum");
    check(delta, rows, x.stride(), "sum");
    add.x = x;
    add.delta = delta;
    add.rows = rows;
    forRows(rows, add);
  }

  void addBias(HostActivations x, int rows, float[] bias) {
    check(x, rows, x.columns(), "bias");
    if (bias.length < x.stride()) {
      throw new IllegalArgumentException("bias of " + bias.length + " elements for " + x.stride());
    }
    addBias.x = x;
    addBias.bias = bias;
    addBias.rows = rows;
    forRows(rows, addBias);
  }

  void addScaled(
      HostActivations x, int[] indices, int count, HostActivations delta, float[] scales) {
    check(delta, count, x.stride(), "scaled sum");
    for (int r = 0; r < count; r++) {
      check(x, indices[r] + 1, x.columns(), "scaled sum");
    }
    addScaled.x = x;
    addScaled.indices = indices;
    addScaled.delta = delta;
    addScaled.scales = scales;
    addScaled.rows = count;
    forRows(count, addScaled);
  }

  void normHeads(
      HostActivations x,
      int rows,
      int column,
      int heads,
      int headDim,
      float[] weight,
      float epsilon) {
    check(x, rows, column + heads * headDim, "norm of heads");
    int padded = Activations.padded(headDim);
    if (weight.length < padded) {
      throw new IllegalArgumentException(
          "norm weight of " + weight.length + " elements for heads of " + headDim);
    }
    normHeads.x = x;
    normHeads.column = column;
    normHeads.heads = heads;
    normHeads.headDim = headDim;
    normHeads.weight = weight;
    normHeads.epsilon = epsilon;
    normHeads.rows = rows;
    for (int worker = 0; worker < partials.length; worker++) {
      if (normHeads.scratch[worker].length != padded) {
        normHeads.scratch[worker] = new float[padded];
      }
    }
    forRows(rows, normHeads);
  }

  void swiGlu(HostActivations x, int rows, int upColumn, int width, HostActivations out) {
    int padded = Activations.padded(width);
    check(x, rows, upColumn + padded, "gate and up");
    check(out, rows, padded, "hidden");
    swiGlu.x = x;
    swiGlu.upColumn = upColumn;
    swiGlu.width = padded;
    swiGlu.out = out;
    swiGlu.rows = rows;
    forRows(rows, swiGlu);
  }

  void embed(Tensor table, int[] ids, int rows, HostActivations out) {
    check(out, rows, table.columns(), "embedding");
    embed.table = table;
    embed.ids = ids;
    embed.out = out;
    embed.rows = rows;
    forRows(rows, embed);
  }

  void ropeAndStore(
      HostActivations qkv,
      AttentionShape shape,
      RopeTable table,
      RaggedTokens tokens,
      HostKvCache kv,
      int layer) {
    check(qkv, tokens.tokens(), qkv.columns(), "queries, keys and values");
    rope.qkv = qkv;
    rope.shape = shape;
    rope.table = table;
    rope.tokens = tokens;
    rope.kv = kv;
    rope.layer = layer;
    forRows(tokens.tokens(), rope);
  }

  private final class Norm implements WorkerPool.Job {
    HostActivations x;
    float[] weight;
    float epsilon;
    HostActivations out;
    int rows;

    @Override
    public void run(int chunk, int worker) {
      int end = Math.min(rows, (chunk + 1) * ROWS);
      for (int r = chunk * ROWS; r < end; r++) {
        int at = r * x.stride();
        float squares = RowKernels.sumOfSquares(x.data(), at, x.stride(), partials[worker]);
        float scale = (float) (1 / Math.sqrt((double) squares / x.columns() + epsilon));
        RowKernels.scale(x.data(), at, scale, weight, x.stride(), out.data(), r * out.stride());
      }
    }
  }

  private static final class Add implements WorkerPool.Job {
    HostActivations x;
    HostActivations delta;
    int rows;

    @Override
    public void run(int chunk, int worker) {
      int end = Math.min(rows, (chunk + 1) * ROWS);
      for (int r = chunk * ROWS; r < end; r++) {
        RowKernels.add(x.data(), r * x.stride(), delta.data(), r * delta.stride(), x.stride());
      }
    }
  }

  private static final class AddBias implements WorkerPool.Job {
    HostActivations x;
    float[] bias;
    int rows;

    @Override
    public void run(int chunk, int worker) {
      int end = Math.min(rows, (chunk + 1) * ROWS);
      for (int r = chunk * ROWS; r < end; r++) {
        RowKernels.add(x.data(), r * x.stride(), bias, 0, x.stride());
      }
    }
  }

  private static final class AddScaled implements WorkerPool.Job {
    HostActivations x;
    int[] indices;
    HostActivations delta;
    float[] scales;
    int rows;

    @Override
    public void run(int chunk, int worker) {
      int end = Math.min(rows, (chunk + 1) * ROWS);
      for (int r = chunk * ROWS; r < end; r++) {
        RowKernels.addScaled(
            x.data(),
            indices[r] * x.stride(),
            delta.data(),
            r * delta.stride(),
            scales[r],
            x.stride());
      }
    }
  }

  /** Heads need not begin at vectors: each goes through a padded copy. */
  private final class NormHeads implements WorkerPool.Job {
    final float[][] scratch = new float[partials.length][0];
    HostActivations x;
    int column;
    int heads;
    int headDim;
    float[] weight;
    float epsilon;
    int rows;

    @Override
    public void run(int chunk, int worker) {
      float[] head = scratch[worker];
      int end = Math.min(rows, (chunk + 1) * ROWS);
      for (int r = chunk * ROWS; r < end; r++) {
        for (int h = 0; h < heads; h++) {
          int at = r * x.stride() + column + h * headDim;
          System.arraycopy(x.data(), at, head, 0, headDim);
          Arrays.fill(head, headDim, head.length, 0f);
          float squares = RowKernels.sumOfSquares(head, 0, head.length, partials[worker]);
          float scale = (float) (1 / Math.sqrt((double) squares / headDim + epsilon));
          RowKernels.scale(head, 0, scale, weight, head.length, head, 0);
          System.arraycopy(head, 0, x.data(), at, headDim);
        }
      }
    }
  }

  private static final class SwiGlu implements WorkerPool.Job {
    HostActivations x;
    int upColumn;
    int width;
    HostActivations out;
    int rows;

    @Override
    public void run(int chunk, int worker) {
      int end = Math.min(rows, (chunk + 1) * ROWS);
      for (int r = chunk * ROWS; r < end; r++) {
        int at = r * x.stride();
        RowKernels.swiGlu(x.data(), at, at + upColumn, width, out.data(), r * out.stride());
      }
    }
  }

  private static final class Embed implements WorkerPool.Job {
    Tensor table;
    int[] ids;
    HostActivations out;
    int rows;

    @Override
    public void run(int chunk, int worker) {
      int end = Math.min(rows, (chunk + 1) * ROWS);
      for (int r = chunk * ROWS; r < end; r++) {
        table
            .format()
            .decode(
                table.data(),
                ids[r] * table.rowBytes(),
                out.data(),
                r * out.stride(),
                table.columns());
      }
    }
  }

  private static final class RopeAndStore implements WorkerPool.Job {
    HostActivations qkv;
    AttentionShape shape;
    RopeTable table;
    RaggedTokens tokens;
    HostKvCache kv;
    int layer;

    @Override
    public void run(int chunk, int worker) {
      int end = Math.min(tokens.tokens(), (chunk + 1) * ROWS);
      int sequence = tokens.sequenceOf(chunk * ROWS);
      for (int t = chunk * ROWS; t < end; t++) {
        while (t >= tokens.firstToken(sequence + 1)) {
          sequence++;
        }
        store(t, tokens.pages(sequence), tokens.position(t));
      }
    }

    private void store(int token, int[] pages, int position) {
      float[] row = qkv.data();
      int at = token * qkv.stride();
      int headDim = shape.headDim();
      for (int h = 0; h < shape.heads(); h++) {
        table.rotate(row, at + shape.queryColumn() + h * headDim, position);
      }
      int page = pages[position / KvConfig.PAGE_TOKENS];
      int slot = position % KvConfig.PAGE_TOKENS;
      for (int h = 0; h < shape.kvHeads(); h++) {
        int key = at + shape.keyColumn() + h * headDim;
        int value = at + shape.valueColumn() + h * headDim;
        table.rotate(row, key, position);
        kv.put(layer, page, slot, h, row, key, row, value);
      }
    }
  }
}
