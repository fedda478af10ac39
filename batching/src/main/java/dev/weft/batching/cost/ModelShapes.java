package dev.weft.batching.cost;

/**
 * Shapes of published models with 16-bit weights and KV, from their configuration files. As in
 * BlendServe (arXiv 2411.16102) every parameter counts for every token, embedding table and output
 * projection included.
 */
public final class ModelShapes {
  /** Llama-3.1-8B: 32 layers, 32 heads over 8 of 128, 8.03e9 parameters. */
  public static final ModelShape LLAMA_3_1_8B =
      new ModelShape(8_030_261_248L, 32, 4096, 1024, 2, 2);

  /** Llama-3.1-70B: 80 layers, 64 heads over 8 of 128, 70.55e9 parameters. */
  public static final ModelShape LLAMA_3_1_70B =
      new ModelShape(70_553_706_496L, 80, 8192, 1024, 2, 2);

  private ModelShapes() {}
}
