package dev.weft.kernels.backend;

import dev.weft.kernels.model.RopeSpec;
import java.util.Arrays;

/**
 * Cosines and sines of rotary position embedding (Su et al. 2021, arXiv:2104.09864), computed by
 * StrictMath in double once per position and pair, so that they depend on the position only. Grows
 * on demand; not thread-safe while it grows.
 */
public final class RopeTable {
  private final RopeSpec.Layout layout;
  private final double[] inverseFrequencies;
  private float[] cos = new float[0];
  private float[] sin = new float[0];
  private int positions;

  public RopeTable(RopeSpec spec) {
    layout = spec.layout();
    inverseFrequencies = new double[spec.dimensions() / 2];
    for (int i = 0; i < inverseFrequencies.length; i++) {
      double frequency = StrictMath.pow(spec.theta(), -2.0 * i / spec.dimensions());
      inverseFrequencies[i] = scaled(spec.scaling(), frequency, i);
    }
  }

  private static double scaled(RopeSpec.Scaling scaling, double frequency, int pair) {
    return switch (scaling) {
      case RopeSpec.Scaling.None none -> frequency;
      case RopeSpec.Scaling.Linear linear -> frequency / linear.factor();
      case RopeSpec.Scaling.Llama3 llama3 -> llama3(llama3, frequency);
      case RopeSpec.Scaling.Divisors divisors -> frequency / divisors.divisors()[pair];
    };
  }

  /** Keeps short wavelengths, stretches long ones, blends between (Llama 3.1 model card). */
  private static double llama3(RopeSpec.Scaling.Llama3 scaling, double frequency) {
    double turns = scaling.originalContextLength() * frequency / (2 * Math.PI);
    double keep =
        (turns - scaling.lowFreqFactor()) / (scaling.highFreqFactor() - scaling.lowFreqFactor());
    double share = Math.clamp(keep, 0.0, 1.0);
    return frequency * (share + (1 - share) / scaling.factor());
  }

  /** Which elements of a head are a pair. */
  public RopeSpec.Layout layout() {
    return layout;
  }

  /** Pairs of a head that are turned. */
  public int pairs() {
    return inverseFrequencies.length;
  }

  /** Makes the table hold positions 0 to {@code position}. */
  public void cover(int position) {
    if (position < positions) {
      return;
    }
    int pairs = pairs();
    int wanted = Math.max(256, Integer.highestOneBit(position) * 2);
    cos = Arrays.copyOf(cos, Math.multiplyExact(wanted, pairs));
    sin = Arrays.copyOf(sin, wanted * pairs);
    for (int p = positions; p < wanted; p++) {
      for (int i = 0; i < pairs; i++) {
        double angle = p * inverseFrequencies[i];
        cos[p * pairs + i] = (float) StrictMath.cos(angle);
        sin[p * pairs + i] = (float) StrictMath.sin(angle);
      }
    }
    positions = wanted;
  }

  /** Shape {@code [position][pairs]}. */
  public float[] cos() {
    return cos;
  }

  /** Shape {@code [position][pairs]}. */
  public float[] sin() {
    return sin;
  }

  /** Turns the pairs of one head in place. */
  public void rotate(float[] head, int at, int position) {
    int pairs = pairs();
    int step = layout == RopeSpec.Layout.INTERLEAVED ? 2 : 1;
    int distance = layout == RopeSpec.Layout.INTERLEAVED ? 1 : pairs;
    int angle = position * pairs;
    for (int i = 0; i < pairs; i++) {
      int a = at + i * step;
      float x = head[a];
      float y = head[a + distance];
      float c = cos[angle + i];
      float s = sin[angle + i];
      head[a] = x * c - y * s;
      head[a + distance] = x * s + y * c;
    }
  }
}
