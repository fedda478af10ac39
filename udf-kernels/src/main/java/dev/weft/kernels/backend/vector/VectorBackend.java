package dev.weft.kernels.backend.vector;

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
import dev.weft.kernels.memory.OffHeap;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import dev.weft.kernels.sampling.TopTokens;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * The CPU backend on the Vector API; see the package for how results stay independent of the batch.
 */
public final class VectorBackend implements Backend {
  private final WorkerPool pool;
  private final MemoryBudget budget;
  private final Path tuningFolder;
  private final OffHeap scratch;
  private final Matmul matmul;
  private final Attention attention;
  private final TokenJobs tokenJobs;

  public VectorBackend(BackendConfig config) {
    tuningFolder = config.tuningFolder();
    budget = new MemoryBudget(config.memoryBytes());
    scratch = budget.allocate("kernel scratch", config.threads() * Matmul.SCRATCH_BYTES);
    pool = new WorkerPool("weft-kernel", config.threads());
    var tiles = new MemorySegment[config.threads()];
    for (int i = 0; i < tiles.length; i++) {
      tiles[i] = scratch.segment().asSlice(i * Matmul.SCRATCH_BYTES, Matmul.SCRATCH_BYTES);
    }
    matmul = new Matmul(pool, tiles);
    attention = new Attention(pool, budget);
    tokenJobs = new TokenJobs(pool);
  }

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public int threads() {
    return pool.threads();
  }

  @Override
  public Weights prepare(List<Tensor> matrices) {
    return new VectorWeights(matrices, budget, pool);
  }

  @Override
  public void tune(Set<QuantFormat> formats) {
    matmul.mostAtOnce(Crossovers.of(formats, tuningFolder));
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
    tokenJobs.embed(table, ids, rows, (HostActivations) out);
  }

  @Override
  public void gather(Activations x, int[] indices, int count, Activations out) {
    var from = (HostActivations) x;
    for (int r = 0; r < count; r++) {
      out.write(r, from.data(), indices[r] * from.stride(), from.columns());
    }
  }

  @Override
  public void rmsNorm(Activations x, int rows, float[] weight, float epsilon, Activations out) {
    tokenJobs.rmsNorm((HostActivations) x, rows, weight, epsilon, (HostActivations) out);
  }

  @Override
  public void matmul(Weights weights, Activations x, int rows, Activations out) {
    matmul.compute((VectorWeights) weights, (HostActivations) x, rows, (HostActivations) out);
  }

  @Override
  public void add(Activations x, int rows, Activations delta) {
    tokenJobs.add((HostActivations) x, rows, (HostActivations) delta);
  }

  @Override
  public void addBias(Activations x, int rows, float[] bias) {
    tokenJobs.addBias((HostActivations) x, rows, bias);
  }

  @Override
  public void addScaled(
      Activations x, int[] indices, int count, Activations delta, float[] scales) {
    tokenJobs.addScaled((HostActivations) x, indices, count, (HostActivations) delta, scales);
  }

  @Override
  public void normHeads(
      Activations x, int rows, int column, int heads, int headDim, float[] weight, float epsilon) {
    tokenJobs.normHeads((HostActivations) x, rows, column, heads, headDim, weight, epsilon);
  }

  @Override
  public void ropeAndStore(
      Activations qkv,
      AttentionShape shape,
      RopeTable rope,
      RaggedTokens tokens,
      KvCache kv,
      int layer) {
    tokenJobs.ropeAndStore((HostActivations) qkv, shape, rope, tokens, (HostKvCache) kv, layer);
  }

  @Override
  public void attention(
      Activations qkv,
      AttentionShape shape,
      RaggedTokens tokens,
      KvCache kv,
      int layer,
      Activations out) {
    attention.compute(
        (HostActivations) qkv, shape, tokens, (HostKvCache) kv, layer, (HostActivations) out);
  }

  @Override
  public void swiGlu(Activations x, int rows, int upColumn, int width, Activations out) {
    tokenJobs.swiGlu((HostActivations) x, rows, upColumn, width, (HostActivations) out);
  }

  @Override
  public void findTop(Activations logits, int vocabulary, TopTokens top) {
    ((HostActivations) logits).findTop(vocabulary, top);
  }

  @Override
  public void close() {
    pool.close();
    attention.close();
    scratch.close();
  }
}
