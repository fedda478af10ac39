package dev.weft.kernels.sampling;

/**
 * Tokens as sortable numbers: the larger key is the more likely token, and among equal logits the
 * lower id. All keys of a row differ, so every selection has one answer.
 */
final class TokenOrder {
  private static final int SMALL = 24;

  private TokenOrder() {}

  /** Key of a token; {@code logit} is not NaN. */
  static long key(float logit, int token) {
    // Adding 0 makes one zero of the two.
    int bits = Float.floatToRawIntBits(logit + 0f);
    int ordered = bits ^ (bits >> 31 & 0x7FFFFFFF);
    return (long) ordered << 32 | ~token & 0xFFFFFFFFL;
  }

  static int token(long key) {
    return ~(int) key;
  }

  /**
   * The {@code rank}-th largest of {@code keys[0..count-1]}, which are reordered.
   *
   * @param rank 1 to count
   */
  static long largest(long[] keys, int count, int rank) {
    int low = 0;
    int high = count;
    int wanted = rank - 1;
    while (high - low > SMALL) {
      int middle = partition(keys, null, low, high);
      if (wanted < middle) {
        high = middle;
      } else {
        low = middle;
      }
    }
    sort(keys, null, low, high);
    return keys[wanted];
  }

  /**
   * The key of the last token of the smallest set of most likely tokens whose weights sum to at
   * least {@code target}; the least key of all if no set does. Both arrays are reordered together.
   */
  static long nucleus(long[] keys, double[] weights, int count, double target) {
    int low = 0;
    int high = count;
    double above = 0;
    while (high - low > SMALL) {
      int middle = partition(keys, weights, low, high);
      double sum = 0;
      for (int i = low; i < middle; i++) {
        sum += weights[i];
      }
      if (above + sum >= target) {
        high = middle;
      } else {
        above += sum;
        low = middle;
      }
    }
    sort(keys, weights, low, high);
    int last = low;
    above += weights[last];
    while (above < target && last < count - 1 && last < high - 1) {
      last++;
      above += weights[last];
    }
    return keys[last];
  }

  /**
   * Reorders so that each key of {@code [low, middle)} is larger than each of {@code [middle,
   * high)}, both not empty.
   */
  private static int partition(long[] keys, double[] weights, int low, int high) {
    long pivot = pivot(keys, low, high);
    int left = low - 1;
    int right = high;
    while (true) {
      do {
        left++;
      } while (keys[left] > pivot);
      do {
        right--;
      } while (keys[right] < pivot);
      if (left >= right) {
        return left == low ? low + 1 : left;
      }
      swap(keys, weights, left, right);
    }
  }

  /**
   * Median of three keys at scattered places, so that no plain order of the logits makes the
   * selection quadratic.
   */
  private static long pivot(long[] keys, int low, int high) {
    int size = high - low;
    long scatter = (low * 0x9E3779B97F4A7C15L ^ high) * 0xD6E8FEB86659FD93L;
    long a = keys[low + (int) ((scatter >>> 33) % size)];
    long b = keys[low + (int) ((scatter >>> 13 & 0x7FFFFFFF) % size)];
    long c = keys[low + size / 2];
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }

  /** Insertion sort, largest first. */
  private static void sort(long[] keys, double[] weights, int low, int high) {
    for (int i = low + 1; i < high; i++) {
      for (int j = i; j > low && keys[j] > keys[j - 1]; j--) {
        swap(keys, weights, j, j - 1);
      }
    }
  }

  private static void swap(long[] keys, double[] weights, int i, int j) {
    long key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
    if (weights != null) {
      double weight = weights[i];
      weights[i] = weights[j];
      weights[j] = weight;
    }
  }
}
