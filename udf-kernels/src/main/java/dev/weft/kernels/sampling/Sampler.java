package dev.weft.kernels.sampling;

import java.util.Arrays;

/**
 * Chooses tokens from rows of logits. One row at a time: {@link #load}, then any of the others.
 *
 * <p>The order is penalties, temperature, top-k, top-p, min-p, draw. All of it depends on the row,
 * the sequence's own tokens and one random number; sums run in the order of token ids. Equal logits
 * rank by id, the lowest first.
 *
 * <p>Not thread-safe. Nothing is allocated after construction.
 */
public final class Sampler {
  private final int vocabulary;

  /** The row as the model gave it, and after penalties. Shape of both: (vocabulary). */
  private final float[] logits;

  private final float[] penalized;

  /** Number of times a token was generated, of those that {@link #penalize} touched. */
  private final int[] counts;

  /** For the selection of a threshold; reordered. */
  private final long[] keys;

  /** The tokens to draw from in the order of ids, their weights, and the running sum of these. */
  private final int[] candidates;

  /** Reordered by the selection of a threshold. */
  private final double[] weights;

  private final double[] cumulative;
  private final long[] topKeys;
  private float max;
  private double logOfSum;
  private boolean logOfSumKnown;
  private int candidateCount;

  /**
   * @param vocabulary tokens of a row
   * @param maxTop most alternatives that {@link #top} will be asked for
   */
  public Sampler(int vocabulary, int maxTop) {
    this.vocabulary = vocabulary;
    logits = new float[vocabulary];
    penalized = new float[vocabulary];
    counts = new int[vocabulary];
    keys = new long[vocabulary];
    weights = new double[vocabulary];
    candidates = new int[vocabulary];
    cumulative = new double[vocabulary];
    topKeys = new long[maxTop];
  }

  /**
   * Takes a row of logits.
   *
   * @param rows shape (any, vocabulary), flat
   * @param row which of them
   * @return whether tokens can be drawn: no logit is NaN or +infinity, and one is finite
   */
  public boolean load(float[] rows, int row) {
    System.arraycopy(rows, Math.multiplyExact(row, vocabulary), logits, 0, vocabulary);
    logOfSumKnown = false;
    max = max(logits);
    return Float.isFinite(max);
  }

  /**
   * Draws a token.
   *
   * @param tokens of the sequence, prompt first; valid in {@code [0, length)}
   * @param promptTokens how many of them are prompt
   * @param uniform random number in [0, 1); not looked at when greedy
   */
  public int draw(
      SamplingParams params, int[] tokens, int promptTokens, int length, double uniform) {
    float[] row = logits;
    float top = max;
    if (params.penalized()) {
      penalize(params, tokens, promptTokens, length);
      row = penalized;
      top = max(penalized);
    }
    return params.greedy() ? first(row, top) : draw(params, row, top, uniform);
  }

  /** Natural logarithm of the model's own probability of a token. */
  public double logProbability(int token) {
    if (!logOfSumKnown) {
      double sum = 0;
      for (float logit : logits) {
        sum += Exponential.exp((double) logit - max);
      }
      logOfSum = StrictMath.log(sum);
      logOfSumKnown = true;
    }
    return (double) logits[token] - max - logOfSum;
  }

  /**
   * The most likely tokens before penalties and temperature, most likely first.
   *
   * @param ids takes the tokens
   * @param count how many, at most what the constructor was told
   * @return how many there are: {@code count}, or the vocabulary if that is less
   */
  public int top(int[] ids, int count) {
    int wanted = Math.min(count, vocabulary);
    if (wanted == 0) {
      return 0;
    }
    int found = 0;
    long least = Long.MAX_VALUE;
    for (int token = 0; token < vocabulary; token++) {
      long key = TokenOrder.key(logits[token], token);
      if (found == wanted && key < least) {
        continue;
      }
      int at = found < wanted ? found++ : wanted - 1;
      while (at > 0 && topKeys[at - 1] < key) {
        topKeys[at] = topKeys[at - 1];
        at--;
      }
      topKeys[at] = key;
      least = topKeys[found - 1];
    }
    for (int i = 0; i < found; i++) {
      ids[i] = TokenOrder.token(topKeys[i]);
    }
    return found;
  }

  /** The tokens that the last {@link #draw} with a temperature chose from. */
  int[] candidates() {
    return Arrays.copyOf(candidates, candidateCount);
  }

  private int draw(SamplingParams params, float[] row, float top, double uniform) {
    long threshold = Long.MIN_VALUE;
    if (params.topK() > 0 && params.topK() < vocabulary) {
      for (int token = 0; token < vocabulary; token++) {
        keys[token] = TokenOrder.key(row[token], token);
      }
      threshold = TokenOrder.largest(keys, vocabulary, params.topK());
    }
    int count = weigh(row, top, params.temperature(), threshold, 0);
    if (params.topP() < 1) {
      double target = params.topP() * cumulative[count - 1];
      for (int i = 0; i < count; i++) {
        int token = candidates[i];
        keys[i] = TokenOrder.key(row[token], token);
      }
      threshold = TokenOrder.nucleus(keys, weights, count, target);
    }
    if (params.topP() < 1 || params.minP() > 0) {
      count = weigh(row, top, params.temperature(), threshold, params.minP());
    }
    candidateCount = count;
    double sum = cumulative[count - 1];
    return candidates[find(count, Math.min(uniform * sum, Math.nextDown(sum)))];
  }

  /**
   * Fills candidates and cumulative weights with the tokens at or above both thresholds. The most
   * likely token has weight 1 and always is one.
   *
   * @return how many
   */
  private int weigh(float[] row, float top, double temperature, long threshold, double least) {
    int count = 0;
    double sum = 0;
    for (int token = 0; token < vocabulary; token++) {
      if (threshold != Long.MIN_VALUE && TokenOrder.key(row[token], token) < threshold) {
        continue;
      }
      double weight = Exponential.exp(((double) row[token] - top) / temperature);
      if (weight < least) {
        continue;
      }
      sum += weight;
      candidates[count] = token;
      weights[count] = weight;
      cumulative[count++] = sum;
    }
    return count;
  }

  /** The first of {@code cumulative[0..count-1]} above the target; none of weight 0 is. */
  private int find(int count, double target) {
    int low = 0;
    int high = count - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (cumulative[middle] > target) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  private void penalize(SamplingParams params, int[] tokens, int promptTokens, int length) {
    System.arraycopy(logits, 0, penalized, 0, vocabulary);
    for (int i = promptTokens; i < length; i++) {
      counts[tokens[i]]++;
    }
    float repetition = params.repetitionPenalty();
    for (int i = length - 1; i >= 0; i--) {
      int token = tokens[i];
      // Each token once: -1 marks those that are done.
      if (counts[token] >= 0) {
        float logit = penalized[token];
        logit = logit < 0 ? logit * repetition : logit / repetition;
        if (counts[token] > 0) {
          logit -= counts[token] * params.frequencyPenalty() + params.presencePenalty();
        }
        penalized[token] = Math.clamp(logit, -Float.MAX_VALUE, Float.MAX_VALUE);
        counts[token] = -1;
      }
    }
    for (int i = 0; i < length; i++) {
      counts[tokens[i]] = 0;
    }
  }

  /** NaN if there is one. */
  private static float max(float[] row) {
    float max = Float.NEGATIVE_INFINITY;
    for (float value : row) {
      max = Math.max(max, value);
    }
    return max;
  }

  private static int first(float[] row, float value) {
    int token = 0;
    while (row[token] != value) {
      token++;
    }
    return token;
  }
}
