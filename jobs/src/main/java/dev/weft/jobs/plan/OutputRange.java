package dev.weft.jobs.plan;

import dev.weft.batching.plan.OutputLengths;
import dev.weft.batching.request.RequestSet;

/**
 * How many output tokens requests may have at least and at most, where only an estimate is known.
 *
 * @param low by request number
 * @param high by request number
 * @param meaning what the two mean, in words
 */
public record OutputRange(int[] low, int[] high, String meaning) {

  /** Nothing has run: an answer has from one token to its maximum. */
  public static OutputRange unknown(RequestSet requests) {
    int[] low = new int[requests.size()];
    int[] high = new int[requests.size()];
    for (int i = 0; i < low.length; i++) {
      low[i] = Math.min(1, requests.maxOutputTokens(i));
      high[i] = requests.maxOutputTokens(i);
    }
    return new OutputRange(
        low,
        high,
        "ranges run from answers of one token each to answers of max_tokens each: no output length"
            + " has been sampled");
  }

  /**
   * Two standard errors of the mean around it: a sum over many requests is as uncertain as the mean
   * lengths of their sampled relatives, not as a single request. The spread of {@code k} relatives
   * is half the distance of their quantiles 16% and 84%, the standard error that over {@code
   * sqrt(k)}.
   */
  public static OutputRange sampled(RequestSet requests, OutputLengths lengths) {
    int[] low = new int[requests.size()];
    int[] high = new int[requests.size()];
    for (int i = 0; i < low.length; i++) {
      int mean = requests.estimatedOutputTokens(i);
      double spread = (lengths.quantile(i, 0.84) - lengths.quantile(i, 0.16)) / 2.0;
      int error = (int) Math.ceil(2 * spread / Math.sqrt(Math.max(1, lengths.samples(i))));
      int max = requests.maxOutputTokens(i);
      low[i] = Math.clamp((long) mean - error, Math.min(1, max), max);
      high[i] = Math.clamp((long) mean + error, low[i], max);
    }
    return new OutputRange(
        low,
        high,
        "ranges hold two standard errors of the sampled mean output lengths, all of them too short"
            + " or all too long");
  }
}
