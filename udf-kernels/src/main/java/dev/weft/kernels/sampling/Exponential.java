package dev.weft.kernels.sampling;

/**
 * The exponential function from additions and multiplications alone. {@link Math#exp} may differ in
 * the last bit between machines; a draw must not.
 */
final class Exponential {
  private static final double LOG2_E = 1.4426950408889634;
  private static final double LN_2_HIGH = 0x1.62e42fee00000p-1;
  private static final double LN_2_LOW = 0x1.a39ef35793c76p-33;

  /** Adding it rounds to a whole number, which then stands in the low bits of the sum. */
  private static final double ROUND = 0x1.8p52;

  /** What is below gives the same: about 1e-304, which no sum with a 1 in it notices. */
  private static final double SMALLEST = -700;

  private Exponential() {}

  /**
   * Replaces each of {@code x[0..n-1]}, from -infinity to 0, by e to its power, within 2 units in
   * the last place.
   *
   * @param scratch at least as long as {@code x}
   */
  static void exp(double[] x, double[] scratch, int n) {
    // Three loops, since each by itself is compiled to vector instructions, and all in one is not.
    for (int i = 0; i < n; i++) {
      x[i] = Math.max(x[i], SMALLEST);
    }
    for (int i = 0; i < n; i++) {
      double value = x[i];
      double shifted = value * LOG2_E + ROUND;
      double power = shifted - ROUND;
      double r = value - power * LN_2_HIGH - power * LN_2_LOW;
      // Taylor's series about 0; |r| is at most ln(2)/2, so the 14th term is below 5e-18.
      double p = 1.0 / 6227020800.0;
      p = p * r + 1.0 / 479001600.0;
      p = p * r + 1.0 / 39916800.0;
      p = p * r + 1.0 / 3628800.0;
      p = p * r + 1.0 / 362880.0;
      p = p * r + 1.0 / 40320.0;
      p = p * r + 1.0 / 5040.0;
      p = p * r + 1.0 / 720.0;
      p = p * r + 1.0 / 120.0;
      p = p * r + 1.0 / 24.0;
      p = p * r + 1.0 / 6.0;
      p = p * r + 0.5;
      p = p * r + 1.0;
      p = p * r + 1.0;
      x[i] = p;
      scratch[i] = shifted;
    }
    for (int i = 0; i < n; i++) {
      long exponent = Double.doubleToRawLongBits(scratch[i]) << 52;
      x[i] = Double.longBitsToDouble(Double.doubleToRawLongBits(x[i]) + exponent);
    }
  }
}
