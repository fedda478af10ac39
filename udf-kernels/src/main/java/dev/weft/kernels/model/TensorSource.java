package dev.weft.kernels.model;

import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.model.gguf.GgufTensor;
import java.util.HashSet;
import java.util.Set;

/** Takes tensors of a file by name, checks their shapes, and knows which were not taken. */
public final class TensorSource {
  private final GgufFile file;
  private final Set<String> taken = new HashSet<>();

  TensorSource(GgufFile file) {
    this.file = file;
  }

  /** Whether the file has a tensor of this name. */
  public boolean contains(String name) {
    return file.tensor(name).isPresent();
  }

  /** The matrix {@code [rows, columns]} of this name. */
  public Tensor matrix(String name, int rows, int columns) {
    GgufTensor tensor =
        file.tensor(name)
            .orElseThrow(
                () -> error("tensor " + name + " is missing", ModelFormatException.DAMAGED));
    long elements = 1;
    for (long dimension : tensor.shape()) {
      elements *= dimension;
    }
    boolean secondFits = tensor.shape().size() < 2 ? rows == 1 : tensor.shape().get(1) == rows;
    if (tensor.shape().getFirst() != columns || !secondFits || elements != (long) rows * columns) {
      throw error(
          "tensor %s has the shape %s, the metadata ask for [%d, %d]"
              .formatted(name, tensor.shape(), columns, rows),
          ModelFormatException.DAMAGED);
    }
    taken.add(name);
    return new Tensor(name, tensor.format(), rows, columns, file.data(tensor));
  }

  /** The vector of this name; small, so all its values are checked to be finite. */
  public Tensor vector(String name, int length) {
    Tensor vector = matrix(name, 1, length);
    vector.requireFinite(file.path());
    return vector;
  }

  /** Refuses tensors that no role was found for: the model would run without them and be wrong. */
  void requireAllTaken(String architecture) {
    for (GgufTensor tensor : file.tensors()) {
      if (!taken.contains(tensor.name())) {
        throw error(
            "tensor " + tensor.name() + " has no role in the architecture " + architecture,
            "This variant of the architecture is not supported; use another model.");
      }
    }
  }

  private ModelFormatException error(String what, String fix) {
    return new ModelFormatException(what, file.path().toString(), fix);
  }
}
