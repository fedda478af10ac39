package dev.weft.kernels.sampling;

import java.util.Random;

/** Rows of logits as models give them, and as they should not. */
public final class RandomLogits {
  private static final float[] SPECIAL = {
    0f,
    -0f,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.NEGATIVE_INFINITY,
    1f
  };

  private RandomLogits() {}

  /** A row from which tokens can be drawn: without NaN and infinity, with a finite logit. */
  public static float[] drawable(Random random, int vocabulary) {
    int kind = random.nextInt(6);
    float[] logits = new float[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      logits[i] =
          switch (kind) {
            case 0 -> (float) random.nextGaussian() * 10;
            // Equal logits are frequent.
            case 1 -> Math.round(random.nextGaussian() * 4) / 2f;
            case 2 -> SPECIAL[random.nextInt(SPECIAL.length)];
            case 3 -> i / 16f;
            case 4 -> random.nextBoolean() ? 0f : -0f;
            default -> random.nextInt(3) > 0 ? Float.NEGATIVE_INFINITY : random.nextInt(9) - 4f;
          };
    }
    logits[random.nextInt(vocabulary)] = random.nextInt(5) - 2f;
    return logits;
  }

  /** Any row: some with NaN of several bits and with both infinities. */
  public static float[] any(Random random, int vocabulary) {
    float[] logits = drawable(random, vocabulary);
    switch (random.nextInt(6)) {
      case 0 -> scatter(random, logits, Float.NaN);
      case 1 -> scatter(random, logits, Float.intBitsToFloat(0xFFC01234));
      case 2 -> scatter(random, logits, Float.POSITIVE_INFINITY);
      case 3 -> {
        scatter(random, logits, Float.POSITIVE_INFINITY);
        scatter(random, logits, Float.NaN);
        scatter(random, logits, Float.intBitsToFloat(0xFFC00000));
      }
      case 4 -> java.util.Arrays.fill(logits, Float.NEGATIVE_INFINITY);
      default -> {}
    }
    return logits;
  }

  private static void scatter(Random random, float[] logits, float value) {
    int count = 1 + random.nextInt(random.nextBoolean() ? 3 : logits.length);
    for (int i = 0; i < count; i++) {
      logits[random.nextInt(logits.length)] = value;
    }
  }
}
