package dev.weft.kernels.model;

import java.util.List;

/**
 * A family of models: what it has beyond the plain Llama block, and how its files say so. There is
 * one forward pass for all of them, driven by the {@link TransformerSpec}; a new architecture that
 * needs nothing new is an entry in {@link #KNOWN}.
 *
 * @param name {@code model_type} of {@code config.json}; {@code general.architecture} of GGUF too,
 *     where {@code inGguf}
 * @param inGguf whether GGUF files have this name; those of the others call themselves llama
 * @param ggufRope which elements of a head GGUF files turn together; Hugging Face has halves
 * @param qkvBias whether queries, keys and values have a bias
 * @param headNorms whether query and key heads are normalised
 * @param fused whether query, key and value, and gate and up, are stored as one matrix each
 * @param experts whether a router chooses among feed-forward blocks
 * @param window how {@code config.json} tells of a sliding window
 */
record ModelArchitecture(
    String name,
    boolean inGguf,
    RopeSpec.Layout ggufRope,
    boolean qkvBias,
    boolean headNorms,
    boolean fused,
    boolean experts,
    Window window) {

  /** How {@code config.json} tells of a sliding window. */
  enum Window {
    /** There is none. */
    NONE,
    /** {@code sliding_window}, in all layers, unless it is null. */
    ALL_LAYERS,
    /**
     * {@code sliding_window} where {@code use_sliding_window}, from layer {@code
     * max_window_layers}.
     */
    UPPER_LAYERS
  }

  private static final RopeSpec.Layout INTERLEAVED = RopeSpec.Layout.INTERLEAVED;
  private static final RopeSpec.Layout HALVES = RopeSpec.Layout.HALVES;

  /** Llama 1 to 3: arXiv 2302.13971, arXiv 2407.21783. */
  static final ModelArchitecture LLAMA =
      new ModelArchitecture("llama", true, INTERLEAVED, false, false, false, false, Window.NONE);

  static final ModelArchitecture MISTRAL =
      new ModelArchitecture(
          "mistral", false, INTERLEAVED, false, false, false, false, Window.ALL_LAYERS);

  static final ModelArchitecture QWEN2 =
      new ModelArchitecture("qwen2", true, HALVES, true, false, false, false, Window.UPPER_LAYERS);

  static final ModelArchitecture QWEN3 =
      new ModelArchitecture("qwen3", true, HALVES, false, true, false, false, Window.UPPER_LAYERS);

  /** arXiv 2404.14219. */
  static final ModelArchitecture PHI3 =
      new ModelArchitecture("phi3", true, HALVES, false, false, true, false, Window.ALL_LAYERS);

  static final ModelArchitecture MIXTRAL =
      new ModelArchitecture(
          "mixtral", false, INTERLEAVED, false, false, false, true, Window.ALL_LAYERS);

  /** All architectures that can be run. */
  static final List<ModelArchitecture> KNOWN = List.of(LLAMA, MISTRAL, QWEN2, QWEN3, PHI3, MIXTRAL);

  /**
   * The architecture of a name.
   *
   * @param among those that the kind of file can name
   * @param where the file, for messages
   * @throws ModelFormatException if it is not known; the message lists those that are
   */
  static ModelArchitecture of(String name, List<ModelArchitecture> among, String where) {
    for (ModelArchitecture architecture : among) {
      if (architecture.name.equals(name)) {
        return architecture;
      }
    }
    throw new ModelFormatException(
        "the architecture " + name + " is not supported",
        where,
        "Supported are " + among.stream().map(ModelArchitecture::name).toList() + ".");
  }
}
