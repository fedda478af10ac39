package dev.weft.kernels.quant;

/** The least and the greatest of a block of 32 values. */
record Range(float min, float max) {
  static Range of(float[] values, int offset) {
    float min = values[offset];
    float max = values[offset];
    for (int i = 1; i < 32; i++) {
      min = Math.min(min, values[offset + i]);
      max = Math.max(max, values[offset + i]);
    }
    return new Range(min, max);
  }

  float width() {
    return max - min;
  }
}
