package dev.weft.datasets.workload;

import java.util.random.RandomGenerator;

/**
 * Lengths in tokens: log-normal, cut off at both ends.
 *
 * @param mean mean before the cut
 * @param deviation standard deviation before the cut; 0 gives the mean always
 * @param least shortest, at least 1
 * @param most longest
 */
public record LengthDistribution(double mean, double deviation, int least, int most) {
  public LengthDistribution {
    if (!(mean > 0) || !(deviation >= 0) || least < 1 || most < least) {
      throw new IllegalArgumentException(
          "no lengths with mean "
              + mean
              + " and deviation "
              + deviation
              + " between "
              + least
              + " and "
              + most);
    }
  }

  public int sample(RandomGenerator random) {
    double variance = Math.log1p(deviation * deviation / (mean * mean));
    double length = mean;
    if (variance > 0) {
      length =
          Math.exp(Math.log(mean) - variance / 2 + Math.sqrt(variance) * random.nextGaussian());
    }
    return Math.clamp(Math.round(length), least, most);
  }
}
