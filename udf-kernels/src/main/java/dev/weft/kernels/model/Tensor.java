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
   * Checks that every value is finite, by reference decoding; reads the whole tensor.
   *
   * @param file the model file, for the message
   * @throws ModelFormatException naming the first value that is not
   */
  public void requireFinite(Path file) {
    var values = new float[columns];
    for (int row = 0; row < rows; row++) {
      decodeRow(row, values);
      for (int column = 0; column < columns; column++) {
        if (!Float.isFinite(values[column])) {
          throw new ModelFormatException(
              "tensor %s has %s at row %d, column %d".formatted(name, values[column], row, column),
              file.toString(),
              ModelFormatException.DAMAGED);
        }
      }
    }
  }
}
