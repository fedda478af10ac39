package dev.weft.kernels.model;

import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.model.gguf.GgufTensor;
import dev.weft.kernels.model.safetensors.SafetensorsFolder;
import dev.weft.kernels.model.safetensors.SafetensorsTensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Where the tensors of a model are stored. */
sealed interface WeightStore extends AutoCloseable {
  /** File or folder. */
  Path path();

  /** Names of all tensors. */
  List<String> names();

  /** The tensor of a name. */
  Optional<Stored> find(String name);

  /** Number of weights. */
  long parameters();

  /** Bytes of all weights. */
  long bytes();

  /** Unmaps the files. */
  @Override
  void close();

  /**
   * A tensor as it is stored.
   *
   * @param format number format
   * @param shape dimensions, the slowest running first
   * @param file the file that it lies in
   */
  record Stored(QuantFormat format, List<Long> shape, MemorySegment data, Path file) {}

  /** The elements of a shape. */
  static long elements(List<Long> shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    return elements;
  }

  /** Tensors of a GGUF file. */
  record Gguf(GgufFile file) implements WeightStore {
    @Override
    public Path path() {
      return file.path();
    }

    @Override
    public List<String> names() {
      return file.tensors().stream().map(GgufTensor::name).toList();
    }

    @Override
    public Optional<Stored> find(String name) {
      return file.tensor(name)
          .map(t -> new Stored(t.format(), t.shape().reversed(), file.data(t), file.path()));
    }

    @Override
    public long parameters() {
      return file.tensors().stream().mapToLong(t -> elements(t.shape())).sum();
    }

    @Override
    public long bytes() {
      return file.tensors().stream().mapToLong(GgufTensor::bytes).sum();
    }

    @Override
    public void close() {
      file.close();
    }
  }

  /** Tensors of a folder of safetensors files. */
  record Safetensors(Path path, SafetensorsFolder folder) implements WeightStore {
    @Override
    public List<String> names() {
      return folder.tensors().stream().map(SafetensorsTensor::name).toList();
    }

    @Override
    public Optional<Stored> find(String name) {
      return folder.tensor(name).map(this::stored);
    }

    private Stored stored(SafetensorsTensor tensor) {
      Path file = folder.fileOf(tensor);
      QuantFormat format =
          tensor
              .dtype()
              .format()
              .orElseThrow(
                  () ->
                      new ModelFormatException(
                          "tensor " + tensor.name() + " has the dtype " + tensor.dtype(),
                          file.toString(),
                          "Weights can be F32, F16 and BF16; save the model in one of them."));
      return new Stored(format, tensor.shape(), folder.data(tensor), file);
    }

    @Override
    public long parameters() {
      return folder.tensors().stream().mapToLong(t -> elements(t.shape())).sum();
    }

    @Override
    public long bytes() {
      return folder.tensors().stream().mapToLong(SafetensorsTensor::bytes).sum();
    }

    @Override
    public void close() {
      folder.close();
    }
  }
}
