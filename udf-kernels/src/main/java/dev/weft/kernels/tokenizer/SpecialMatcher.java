package dev.weft.kernels.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Finds strings of special tokens in a text: the leftmost, and of those the longest. The steps for
 * one position are bounded by the length of the longest string.
 */
final class SpecialMatcher {
  private final String[] sorted;
  private final int[] tokens;

  SpecialMatcher(Map<String, Integer> tokenByString) {
    sorted = tokenByString.keySet().toArray(String[]::new);
    Arrays.sort(sorted);
    tokens = new int[sorted.length];
    for (int i = 0; i < sorted.length; i++) {
      tokens[i] = tokenByString.get(sorted[i]);
    }
  }

  List<String> strings() {
    return List.of(sorted);
  }

  /** The index of the longest string that begins at {@code from}, or -1. */
  int match(String text, int from) {
    int low = 0;
    int high = sorted.length;
    int best = -1;
    for (int depth = 0; low < high; depth++) {
      if (sorted[low].length() == depth) {
        best = low++;
      }
      if (from + depth == text.length()) {
        break;
      }
      char c = text.charAt(from + depth);
      low = firstNotBelow(low, high, depth, c);
      high = firstNotBelow(low, high, depth, c + 1);
    }
    return best;
  }

  /** All of {@code low .. high} are longer than {@code depth} and agree up to it. */
  private int firstNotBelow(int low, int high, int depth, int c) {
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle].charAt(depth) < c) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  int token(int index) {
    return tokens[index];
  }

  int length(int index) {
    return sorted[index].length();
  }
}
