package dev.weft.kernels.sampling;

import java.util.Arrays;

/**
 * Chooses tokens from rows of logits. One row at a time: {@link #load(float[], int)}, then any of
 * the others; or, where the parameters need no more, {@link #load(TopTokens, int)} and {@link
 * #draw}, which gives the same.
 *
 * <p>The order is penalties, temperature, top-k, top-p, min-p, draw. All of it depends on the row,
 * the sequence's own tokens and one random number; sums run in the order of token ids. Equal logits
 * rank by id, the lowest first.
 *
 * <p>Not thread-safe. Nothing is allocated after construction.
 */
public final class Sampler {
  /** So many most likely tokens are found faster one by one than by selection. */
  private static final int FEW = 64;

  /** Tokens that are less likely than this, relative to the most likely one, are not drawn. */
  private static final double NEVER = 1e-300;

  private final int vocabulary;

  /**
   * The row as the model gave it, and after penalties. Shape of both: (vocabulary). Of a row that
   * is not whole its tokens in the order of ids, in {@code [0, size)}.
   */
  private final float[] logits;

  private final float[] penalized;

  /** Number of times a token was generated, of those that {@link #penalize} touched. */
  private final int[] counts;

  /** For the selection of a threshold; reordered. */
  private final long[] keys;

  /** Weights of those keys, reordered with them; scratch before that. */
  private final double[] selected;

  /** Probability of each token of the row relative to the most likely one. */
  private final double[] weights;

  /** Places of the tokens to draw from, in the order of ids, and the running sum of weights. */
  private final int[] candidates;

  private final double[] cumulative;
  private final long[] bestKeys;

  /** The tokens of a row that is not whole. */
  private final int[] tokenIds = new int[TopTokens.MOST];

  private int size;
  private boolean whole;
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
    selected = new double[vocabulary];
    weights = new double[vocabulary];
    candidates = new int[vocabulary];
    cumulative = new double[vocabulary];
    bestKeys = new long[Math.max(maxTop, FEW)];
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
    size = vocabulary;
    whole = true;
    logOfSumKnown = false;
    max = max(logits);
    return Float.isFinite(max);
  }

  /**
   * Takes the most likely tokens of a row, enough for the parameters that {@link #draw} will get:
   * {@link SamplingParams#tokensNeeded} and {@link SamplingParams#span}.
   *
   * @return as for the whole row
   */
  public boolean load(TopTokens top, int place) {
    size = top.count(place);
    whole = false;
    logOfSumKnown = false;
    for (int rank = 0; rank < size; rank++) {
      int token = top.token(place, rank);
      int at = rank;
      while (at > 0 && tokenIds[at - 1] > token) {
        tokenIds[at] = tokenIds[at - 1];
        logits[at] = logits[at - 1];
        at--;
      }
      tokenIds[at] = token;
      logits[at] = top.logit(place, rank);
    }
    max = top.logit(place, 0);
    return Float.isFinite(max);
  }

  /**
   * Draws a token.
   *
   * @param tokens of the sequence, prompt first; valid in {@code [0, length)}
   * @param promptTokens how many of them are prompt
   * @param uniform random number in [0, 1); not looked at when greedy
   * @throws IllegalStateException if the row has fewer tokens than the parameters need
   */
  public int draw(
      SamplingParams params, int[] tokens, int promptTokens, int length, double uniform) {
    require(params.tokensNeeded());
    requireBelow(params.span());
    float[] row = logits;
    float top = max;
    if (params.penalized()) {
      penalize(params, tokens, promptTokens, length);
      row = penalized;
      top = max(penalized);
    }
    int at = params.greedy() ? first(row, top) : draw(params, row, top, uniform);
    return whole ? at : tokenIds[at];
  }

  private void require(int tokens) {
    if (size < Math.min(tokens, vocabulary)) {
      throw new IllegalStateException(
          "the " + size + " most likely tokens of a row were loaded, and more are looked at");
    }
  }

  private void requireBelow(double span) {
    if (span < 0 || size == vocabulary) {
      return;
    }
    float least = max;
    for (int i = 0; i < size; i++) {
      least = Math.min(least, logits[i]);
    }
    if ((double) max - least <= span) {
      throw new IllegalStateException(
          "the " + size + " most likely tokens of a row were loaded, and less likely ones count");
    }
  }

  /** Natural logarithm of the model's own probability of a token. */
  public double logProbability(int token) {
    require(vocabulary);
    if (!logOfSumKnown) {
      weigh(logits, max, 1);
      double sum = 0;
      for (double weight : weights) {
        sum += weight;
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
    require(vocabulary);
    int wanted = Math.min(count, vocabulary);
    if (wanted == 0) {
      return 0;
    }
    int found = best(logits, wanted);
    for (int i = 0; i < found; i++) {
      ids[i] = TokenOrder.token(bestKeys[i]);
    }
    return found;
  }

  /** The tokens that the last {@link #draw} with a temperature chose from. */
  int[] candidates() {
    int[] found = Arrays.copyOf(candidates, candidateCount);
    if (!whole) {
      Arrays.setAll(found, i -> tokenIds[found[i]]);
    }
    return found;
  }

  private int draw(SamplingParams params, float[] row, float top, double uniform) {
    long threshold = Long.MIN_VALUE;
    weigh(row, top, params.temperature());
    if (params.topK() > 0 && params.topK() < size) {
      threshold = keyOfRank(row, params.topK());
    }
    int count = keep(row, threshold, params.topP() < 1 ? 0 : params.minP());
    if (params.topP() < 1) {
      double target = params.topP() * cumulative[count - 1];
      for (int i = 0; i < count; i++) {
        int token = candidates[i];
        keys[i] = TokenOrder.key(row[token], token);
        selected[i] = weights[token];
      }
      threshold = TokenOrder.nucleus(keys, selected, count, target);
      count = keep(row, threshold, params.minP());
    }
    candidateCount = count;
    double sum = cumulative[count - 1];
    return candidates[find(count, Math.min(uniform * sum, Math.nextDown(sum)))];
  }

  private void weigh(float[] row, float top, double temperature) {
    for (int token = 0; token < size; token++) {
      weights[token] = ((double) row[token] - top) / temperature;
    }
    Exponential.exp(weights, selected, size);
  }

  /** The key of the last of the {@code count} most likely tokens. */
  private long keyOfRank(float[] row, int count) {
    if (count <= bestKeys.length) {
      return bestKeys[best(row, count) - 1];
    }
    for (int token = 0; token < size; token++) {
      keys[token] = TokenOrder.key(row[token], token);
    }
    return TokenOrder.largest(keys, size, count);
  }

  /** Fills {@link #bestKeys} with the largest keys, the largest first; returns how many. */
  private int best(float[] row, int count) {
    int found = 0;
    long least = Long.MIN_VALUE;
    for (int token = 0; token < size; token++) {
      long key = TokenOrder.key(row[token], token);
      if (found == count && key < least) {
        continue;
      }
      int at = found < count ? found++ : count - 1;
      while (at > 0 && bestKeys[at - 1] < key) {
        bestKeys[at] = bestKeys[at - 1];
        at--;
      }
      bestKeys[at] = key;
      least = bestKeys[found - 1];
    }
    return found;
  }

  /**
   * Fills candidates and cumulative weights with the tokens at or above both thresholds. The most
   * likely token has weight 1 and always is one.
   *
   * @return how many
   */
  private int keep(float[] row, long threshold, double minP) {
    double least = Math.max(minP, NEVER);
    int count = 0;
    double sum = 0;
    for (int token = 0; token < size; token++) {
      if (weights[token] < least
          || threshold != Long.MIN_VALUE && TokenOrder.key(row[token], token) < threshold) {
        continue;
      }
      sum += weights[token];
      candidates[count] = token;
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
