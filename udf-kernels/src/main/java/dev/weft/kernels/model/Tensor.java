package dev.weft.kernels.model;

import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A weight matrix or vector in its file's format. Row-major: {@code rows} rows of {@code columns}
 * values, each row a whole number of blocks.
 *
 * @param name in the model file
 * @param format number format
 * @param rows output size of a matrix; 1 for a vector
 * @param columns input size of a matrix; length of a vector
 * @param data {@code format.bytes(rows * columns)} bytes, read-only, mapped; valid while the model
 *     is open
 */
public record Tensor(String name, QuantFormat format, int rows, int columns, MemorySegment data) {

  /** Bytes of one row. */
  public long rowBytes() {
    return format.bytes(columns);
  }

  /** Reference decoding of row {@code row} to {@code dst[0..columns)}. */
  public void decodeRow(int row, float[] dst) {
    format.decode(data, row * rowBytes(), dst, 0, columns);
  }

  /**
   * Lets the system have the memory of the mapped file back; what is read later is read anew. For a
   * tensor that is not needed soon.
   */
  public void unload() {
    if (data.isMapped()) {
      data.unload();
    }
  }

  /**
   * Checks that every value is finite; reads the whole tensor.
   *
   * @param file the model file, for the message
   * @throws ModelFormatException naming the first value that is not
   */
  public void requireFinite(Path file) {
    long block = format.firstNonFiniteBlock(data, data.byteSize() / format.blockBytes());
    if (block < 0) {
      return;
    }
    long element = block * format.blockElements();
    var values = new float[format.blockElements()];
    format.decode(data, block * format.blockBytes(), values, 0, values.length);
    int within = 0;
    while (within + 1 < values.length && Float.isFinite(values[within])) {
      within++;
    }
    element += within;
    throw new ModelFormatException(
        "tensor %s has %s at row %d, column %d"
            .formatted(name, values[within], element / columns, element % columns),
        file.toString(),
        ModelFormatException.DAMAGED);
  }
}
