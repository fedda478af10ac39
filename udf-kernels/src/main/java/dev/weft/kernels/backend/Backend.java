package dev.weft.kernels.backend;

import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import dev.weft.kernels.sampling.TopTokens;
import java.util.List;
import java.util.Set;

/**
 * Where tensors are computed: the operations of the forward pass over the rows (tokens) of a step.
 * Weights, activations and KV caches belong to the backend that made them.
 *
 * <p>The result of a row must not depend on the other rows, nor on the number of threads: one
 * backend gives the same bits for a token in any batch. Non-finite inputs give non-finite outputs
 * in their own row only.
 *
 * <p>One thread calls at a time. Kernels check the shapes they are given, once per call.
 */
public interface Backend extends AutoCloseable {
  /** Lower-case name as in the configuration. */
  String name();

  int threads();

  /** Brings matrices that share an input into the backend's own form. */
  Weights prepare(List<Tensor> matrices);

  /**
   * Chooses, for weights of some formats, between kernels that give the same bits. For when their
   * code has run for a while, before the first step; measures what is not known of this machine.
   */
  default void tune(Set<QuantFormat> formats) {}

  /** Zeroed activations. */
  Activations allocate(int rows, int columns);

  KvCache openKv(KvLayout layout, KvConfig config);

  /** {@code out[r] = table[ids[r]]}; ids lie in the table. */
  void embed(Tensor table, int[] ids, int rows, Activations out);

  /** {@code out[r] = x[indices[r]]} for {@code count} rows. */
  void gather(Activations x, int[] indices, int count, Activations out);

  /**
   * {@code out[r] = x[r] / sqrt(mean(x[r]^2) + epsilon) * weight} (Zhang and Sennrich 2019,
   * arXiv:1910.07467).
   *
   * @param weight padded with zeros as activations are
   */
  void rmsNorm(Activations x, int rows, float[] weight, float epsilon, Activations out);

  /** {@code out[r] = weights x[r]}. */
  void matmul(Weights weights, Activations x, int rows, Activations out);

  /** {@code x[r] += delta[r]}. */
  void add(Activations x, int rows, Activations delta);

  /**
   * {@code x[r] += bias}.
   *
   * @param bias padded with zeros as activations are
   */
  void addBias(Activations x, int rows, float[] bias);

  /**
   * {@code x[indices[r]] += scales[r] delta[r]} for {@code count} rows; indices differ from each
   * other.
   */
  void addScaled(Activations x, int[] indices, int count, Activations delta, float[] scales);

  /**
   * RMSNorm of {@code heads} heads for themselves, in place, the first at {@code column}.
   *
   * @param weight of one head, which all share; padded with zeros as activations are
   */
  void normHeads(
      Activations x, int rows, int column, int heads, int headDim, float[] weight, float epsilon);

  /** Turns query and key heads in place and stores keys and values in the pages of their tokens. */
  void ropeAndStore(
      Activations qkv,
      AttentionShape shape,
      RopeTable rope,
      RaggedTokens tokens,
      KvCache kv,
      int layer);

  /**
   * Causal attention of each token over the pages of its sequence up to itself, from the first
   * position of the window on. Keys and values of all tokens of the step are stored before.
   *
   * @param qkv turned queries
   * @param out shape {@code [tokens][heads * headDim]}
   */
  void attention(
      Activations qkv,
      AttentionShape shape,
      RaggedTokens tokens,
      KvCache kv,
      int layer,
      Activations out);

  /**
   * {@code out[r][i] = silu(x[r][i]) * x[r][upColumn + i]} for {@code width} elements (Shazeer
   * 2020, arXiv:2002.05202).
   */
  void swiGlu(Activations x, int rows, int upColumn, int width, Activations out);

  /**
   * Finds the most likely tokens of the rows that are asked for. Rows of logits may lie in another
   * memory than the host's: then only what is found is copied.
   *
   * @param logits shape {@code [rows][>= vocabulary]}
   * @param vocabulary elements of a row that count
   */
  void findTop(Activations logits, int vocabulary, TopTokens top);

  /**
   * Returns when all operations so far are computed; a backend may put them off until then, or
   * until activations are read.
   */
  default void finish() {}

  @Override
  void close();
}
