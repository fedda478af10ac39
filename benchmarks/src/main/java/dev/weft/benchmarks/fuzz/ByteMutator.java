package dev.weft.benchmarks.fuzz;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Changes of bytes that know nothing of their meaning. */
final class ByteMutator {
  private static final long[] INTERESTING = {
    0,
    1,
    -1,
    2,
    3,
    7,
    8,
    16,
    31,
    32,
    63,
    64,
    127,
    128,
    255,
    256,
    1023,
    4096,
    65535,
    65536,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xFFFFFFFFL,
    1L << 32,
    1L << 40,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    Long.MAX_VALUE - 7,
    Long.MAX_VALUE / 8
  };

  private ByteMutator() {}

  /** A number at which readers tend to be wrong. */
  static long interesting(RandomGenerator random) {
    long value = INTERESTING[random.nextInt(INTERESTING.length)];
    return random.nextInt(4) == 0 ? value + random.nextInt(-2, 3) : value;
  }

  /** One to eight changes: flipped bits, other bytes, numbers, cuts, copies, moves. */
  static byte[] mutate(byte[] input, RandomGenerator random) {
    byte[] bytes = input;
    for (int n = 1 << random.nextInt(4); n > 0; n--) {
      bytes = once(bytes, random);
    }
    return bytes;
  }

  private static byte[] once(byte[] bytes, RandomGenerator random) {
    if (bytes.length == 0) {
      return new byte[] {(byte) random.nextInt()};
    }
    int at = random.nextInt(bytes.length);
    int length = 1 + random.nextInt(Math.min(bytes.length - at, 64));
    byte[] changed = bytes.clone();
    switch (random.nextInt(10)) {
      case 0, 1 -> changed[at] ^= (byte) (1 << random.nextInt(8));
      case 2 -> changed[at] = (byte) random.nextInt();
      case 3 -> putNumber(changed, at & -4, 4, interesting(random));
      case 4 -> putNumber(changed, at & -4, 8, interesting(random));
      case 5 -> changed = Arrays.copyOf(bytes, at);
      case 6 -> changed = splice(bytes, at, at + length, new byte[0]);
      case 7 -> {
        int from = random.nextInt(bytes.length);
        int to = from + random.nextInt(Math.min(bytes.length - from, 256)) + 1;
        changed = splice(bytes, at, at, Arrays.copyOfRange(bytes, from, to));
      }
      case 8 -> {
        var noise = new byte[length];
        random.nextBytes(noise);
        changed = splice(bytes, at, at + length, noise);
      }
      default -> Arrays.fill(changed, at, at + length, (byte) random.nextInt());
    }
    return changed;
  }

  private static void putNumber(byte[] bytes, int at, int width, long value) {
    for (int i = 0; i < width && at + i < bytes.length; i++) {
      bytes[at + i] = (byte) (value >>> 8 * i);
    }
  }

  private static byte[] splice(byte[] bytes, int from, int to, byte[] middle) {
    byte[] joined = Arrays.copyOf(bytes, from + middle.length + bytes.length - to);
    System.arraycopy(middle, 0, joined, from, middle.length);
    System.arraycopy(bytes, to, joined, from + middle.length, bytes.length - to);
    return joined;
  }
}
