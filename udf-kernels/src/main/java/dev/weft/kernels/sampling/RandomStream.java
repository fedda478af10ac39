package dev.weft.kernels.sampling;

import java.nio.charset.StandardCharsets;

/**
 * Random numbers by position instead of by state: Philox4x32-10 (Salmon, Moraes, Dror, Shaw:
 * Parallel Random Numbers: As Easy as 1, 2, 3; SC11). The number that draws a token depends on the
 * request's key, the sample and the token's position alone, so neither order nor repetition of the
 * work can change it.
 */
public final class RandomStream {
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final long LOW = 0xFFFFFFFFL;

  private RandomStream() {}

  /** Key of a request that names its own seed: the same seed draws the same, whatever the id. */
  public static long key(long seed) {
    return mix(seed);
  }

  /** Key of a request without a seed. */
  public static long key(long jobSeed, String requestId) {
    long hash = 0xCBF29CE484222325L;
    for (byte b : requestId.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001B3L;
    }
    return mix(mix(jobSeed) ^ hash);
  }

  /**
   * A number uniform in [0, 1), a multiple of 2^-53.
   *
   * @param key of the request
   * @param sample which of its answers
   * @param position number of the generated token, from 0
   */
  public static double uniform(long key, int sample, int position) {
    return (philox(key, position & LOW | (long) sample << 32, 0) >>> 11) * 0x1p-53;
  }

  /** Words 1 (high) and 0 (low) of the block at this 128-bit counter. */
  static long philox(long key, long counterLow, long counterHigh) {
    int key0 = (int) key;
    int key1 = (int) (key >>> 32);
    int word0 = (int) counterLow;
    int word1 = (int) (counterLow >>> 32);
    int word2 = (int) counterHigh;
    int word3 = (int) (counterHigh >>> 32);
    for (int round = 0; round < 10; round++) {
      long product0 = MULTIPLIER_0 * (word0 & LOW);
      long product1 = MULTIPLIER_1 * (word2 & LOW);
      word0 = (int) (product1 >>> 32) ^ word1 ^ key0;
      word1 = (int) product1;
      word2 = (int) (product0 >>> 32) ^ word3 ^ key1;
      word3 = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    return (long) word1 << 32 | word0 & LOW;
  }

  /** The finalizer of SplitMix64: close seeds give keys that have nothing in common. */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }
}
