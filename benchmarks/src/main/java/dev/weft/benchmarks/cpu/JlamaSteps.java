package dev.weft.benchmarks.cpu;

import com.github.tjake.jlama.math.ActivationFunction;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.llama.LlamaConfig;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.TransformerSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Jlama with its 4-bit weights, one sequence at a time, as its own generation loop calls it. */
@SuppressWarnings("rawtypes") // Jlama hands out raw tensors
final class JlamaSteps implements Steps {
  private static final String NAME = "jlama";
  private static Integer threadsInUse;

  private final AbstractModel model;
  private final KvBufferCache cache;
  private final AbstractTensor logits;
  private KvBufferCache.KvBuffer kv;

  private JlamaSteps(AbstractModel model, int vocabSize) {
    this.model = model;
    cache = new KvBufferCache(model);
    logits = model.makeDenseTensor(vocabSize);
    kv = cache.getEphemeralKvBuffer();
  }

  /**
   * @param file in any format; decoded, and quantized again by Jlama
   * @param contextTokens longest sequence
   * @throws PeerException if Jlama does not run on this machine and Java
   */
  static JlamaSteps open(Path file, int threads, int contextTokens)
      throws IOException, PeerException {
    try (Model source = Model.open(file)) {
      useThreads(threads);
      TransformerSpec spec = source.spec();
      var config =
          new LlamaConfig(
              contextTokens,
              spec.embeddingLength(),
              spec.feedForwardLength(),
              spec.heads(),
              spec.kvHeads(),
              spec.layers(),
              spec.rmsNormEpsilon(),
              spec.vocabSize(),
              1,
              2,
              ActivationFunction.Type.SILU,
              (double) spec.rope().theta(),
              Map.of());
      var model =
          new LlamaModel(
              config, new JlamaWeights(source), null, DType.F32, DType.I8, Optional.of(DType.Q4));
      return new JlamaSteps(model, spec.vocabSize());
    } catch (RuntimeException | LinkageError e) {
      throw new PeerException("Jlama does not run here: " + e, e);
    }
  }

  /** Its number of threads can be set once. */
  private static synchronized void useThreads(int threads) throws PeerException {
    if (threadsInUse == null) {
      PhysicalCoreExecutor.overrideThreadCount(threads);
      threadsInUse = threads;
    } else if (threadsInUse != threads) {
      throw new PeerException("Jlama has " + threadsInUse + " threads and cannot change that");
    }
  }

  /** How it computes here: with its native library or the Vector API. */
  static String operations() {
    return TensorOperationsProvider.get().name();
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int mostSequences() {
    return 1;
  }

  @Override
  public void prompt(int[] tokens) throws PeerException {
    try (AbstractTensor output = model.batchForward(tokens, 0, kv)) {
      model.sample(output.slice(output.shape().first() - 1), 0, 0, logits);
    } catch (RuntimeException e) {
      throw new PeerException("Jlama failed: " + e, e);
    }
  }

  @Override
  public void fill(int[][] prompts) throws PeerException {
    prompt(prompts[0]);
  }

  @Override
  public void step(int[] tokens, int position) throws PeerException {
    try (AbstractTensor output = model.forward(tokens[0], position, kv, Optional.empty())) {
      model.sample(output, 0, 0, logits);
    } catch (RuntimeException e) {
      throw new PeerException("Jlama failed: " + e, e);
    }
  }

  /** What lies behind is overwritten. */
  @Override
  public void cut(int sequences, int tokens) {}

  @Override
  public void close() {
    logits.close();
    kv.close();
    model.close();
  }
}
