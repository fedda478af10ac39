package dev.weft.kernels.model;

import java.util.Collections;
import java.util.List;

/**
 * How the blocks of a transformer differ from the plain Llama block.
 *
 * @param qkvBias whether queries, keys and values have a bias added (Qwen2, arXiv 2407.10671)
 * @param headNorms whether each query and key head goes through RMSNorm before it is turned (Qwen3,
 *     arXiv 2505.09388)
 * @param windows for each layer, how many positions a token attends to, itself included (sliding
 *     window of Mistral 7B, arXiv 2310.06825); 0 for all. Empty where no layer has a window
 * @param experts feed-forward blocks of a layer that a router chooses from; 1 without a router
 *     (mixture of experts of Mixtral, arXiv 2401.04088)
 * @param expertsUsed experts that one token goes through, those of its highest router logits; their
 *     outputs are weighted by the softmax of these logits
 */
public record BlockSpec(
    boolean qkvBias, boolean headNorms, List<Integer> windows, int experts, int expertsUsed) {
  /** The plain block. */
  public static final BlockSpec PLAIN = new BlockSpec(false, false, List.of(), 1, 1);

  public BlockSpec {
    windows = List.copyOf(windows);
  }

  /** The same window in each layer. */
  static List<Integer> sameWindows(int layers, int window) {
    return window == 0 ? List.of() : Collections.nCopies(layers, window);
  }

  /** Positions that a token of a layer attends to, itself included; 0 for all. */
  public int window(int layer) {
    return windows.isEmpty() ? 0 : windows.get(layer);
  }
}
