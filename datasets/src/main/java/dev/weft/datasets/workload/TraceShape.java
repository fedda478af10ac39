package dev.weft.datasets.workload;

/**
 * The statistics of one kind of requests.
 *
 * @param name for reports
 * @param systemTokens length of the beginning that all requests share
 * @param groups number of subjects or applications, at least 1
 * @param groupTokens length of what the requests of a group share after it
 * @param ownTokens length of what each prompt has for itself
 * @param outputTokens true output lengths
 * @param maxOutputTokens what requests are limited to; 0 if the output length is known beforehand,
 *     as that of a video is
 */
public record TraceShape(
    String name,
    int systemTokens,
    int groups,
    int groupTokens,
    LengthDistribution ownTokens,
    LengthDistribution outputTokens,
    int maxOutputTokens) {

  public TraceShape {
    if (systemTokens < 0 || groups < 1 || groupTokens < 0) {
      throw new IllegalArgumentException(
          "trace '" + name + "' needs lengths of at least 0 and at least one group");
    }
    if (maxOutputTokens != 0 && maxOutputTokens < outputTokens.most()) {
      throw new IllegalArgumentException(
          "trace '"
              + name
              + "' has outputs of up to "
              + outputTokens.most()
              + " tokens, above its maximum of "
              + maxOutputTokens);
    }
  }

  /** Tokens of a prompt before its own part. */
  int sharedTokens() {
    return systemTokens + groupTokens;
  }

  /** Whether output lengths are known beforehand. */
  boolean outputIsKnown() {
    return maxOutputTokens == 0;
  }
}
