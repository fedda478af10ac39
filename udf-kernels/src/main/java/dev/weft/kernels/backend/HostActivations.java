package dev.weft.kernels.backend;

import dev.weft.kernels.sampling.TopTokens;

/** Activations in a Java array, row-major; row {@code r} starts at {@code r * stride}. */
public final class HostActivations implements Activations {
  private final float[] data;
  private final int rows;
  private final int columns;
  private final int stride;

  public HostActivations(int rows, int columns) {
    this.rows = rows;
    this.columns = columns;
    stride = Activations.padded(columns);
    long elements = (long) rows * stride;
    if (elements > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "activations of "
              + rows
              + " tokens x "
              + columns
              + " do not fit an array; use a smaller"
              + " token budget");
    }
    data = new float[(int) elements];
  }

  public float[] data() {
    return data;
  }

  public int stride() {
    return stride;
  }

  /** {@link Backend#findTop} for these as logits. */
  public void findTop(int vocabulary, TopTokens top) {
    for (int place = 0; place < top.asked(); place++) {
      top.find(place, data, top.row(place) * stride, vocabulary);
    }
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public void read(int row, float[] dst, int at, int count) {
    System.arraycopy(data, row * stride, dst, at, count);
  }

  @Override
  public void write(int row, float[] src, int at, int count) {
    System.arraycopy(src, at, data, row * stride, count);
  }
}
