package dev.weft.kernels.model;

import dev.weft.kernels.model.gguf.GgufFile;
import java.util.List;

/**
 * A family of models: how the metadata of a file tell the shape of the transformer, and which
 * tensor has which role. There is one forward pass for all of them, driven by the {@link
 * TransformerSpec}; a new architecture is an implementation of this and an entry in {@link #KNOWN}.
 */
public interface ModelArchitecture {
  /** All architectures that can be run. */
  List<ModelArchitecture> KNOWN = List.of(new LlamaArchitecture());

  /**
   * The architecture that a file names.
   *
   * @throws ModelFormatException if it is not known; the message lists those that are
   */
  static ModelArchitecture of(GgufFile file) {
    String name = file.metadata().string("general.architecture");
    for (ModelArchitecture architecture : KNOWN) {
      if (architecture.name().equals(name)) {
        return architecture;
      }
    }
    throw new ModelFormatException(
        "the architecture " + name + " is not supported",
        file.path().toString(),
        "Supported are " + KNOWN.stream().map(ModelArchitecture::name).toList() + ".");
  }

  /** The file's {@code general.architecture}. */
  String name();

  /**
   * The shape of the model.
   *
   * @throws ModelFormatException if a key is missing or out of range, or asks for something that
   *     the forward pass cannot do
   */
  TransformerSpec spec(GgufFile file);

  /**
   * The tensors by role, taken from {@code tensors}, which checks their shapes.
   *
   * @throws ModelFormatException if one is missing or has another shape
   */
  ModelWeights weights(TransformerSpec spec, TensorSource tensors);
}
