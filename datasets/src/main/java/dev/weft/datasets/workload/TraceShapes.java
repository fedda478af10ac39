package dev.weft.datasets.workload;

/**
 * Shapes of the traces that BlendServe (arXiv 2411.16102) mixes its workloads from, synthesized
 * from what is published of them. Densities are for Llama-3.1-8B at the peak rates of an A100, with
 * shared tokens computed once, as in its table 4. All distributions are log-normal, which is
 * assumed. Prompts are random token ids after a common beginning, as in its appendix A.3.
 */
public final class TraceShapes {
  /**
   * API calls. Published: sharing 0.02, density 17.78, little spread of the outputs. Assumed: 400
   * prompt tokens on average, so that 400,000 requests are about the five A100 hours of the paper;
   * the output mean of 46 follows from the density.
   */
  public static final TraceShape BURST_GPT =
      new TraceShape(
          "burstgpt", 8, 1, 0, lengths(392, 392, 4, 4_096), lengths(46, 28, 1, 512), 1_024);

  /**
   * Questions with few-shot examples. Published: 57 subjects, sharing 0.8646, density 54.91,
   * outputs of a few tokens. The output of 2 tokens follows from the density; 665 prompt tokens are
   * assumed.
   */
  public static final TraceShape MMLU =
      new TraceShape("mmlu", 0, 57, 575, lengths(90, 54, 16, 1_024), lengths(2, 0, 1, 2), 16);

  /**
   * Videos of 256 tokens a frame. Published: mean output normalized to 16K, density 0.05, sharing
   * 0.00. The deviation follows from the density; the short prompt and the cut are assumed. The
   * numbers given are before the cut, after it the mean is 16,100.
   */
  public static final TraceShape OPEN_VID =
      new TraceShape(
          "openvid", 0, 1, 0, lengths(60, 30, 8, 256), lengths(17_500, 23_000, 1_024, 65_536), 0);

  /**
   * Chats. Published: input 246 (deviation 547) and output 322 (244) in NanoFlow (arXiv 2408.12757,
   * table 4), sharing 0.02 in BlendServe.
   */
  public static final TraceShape SHARE_GPT =
      new TraceShape(
          "sharegpt", 5, 1, 0, lengths(241, 547, 4, 8_192), lengths(322, 244, 1, 2_048), 2_048);

  /** Chats. Published: input 102 (deviation 169) and output 222 (210) in NanoFlow, table 4. */
  public static final TraceShape LMSYS =
      new TraceShape(
          "lmsys", 0, 1, 0, lengths(102, 169, 4, 4_096), lengths(222, 210, 1, 2_048), 2_048);

  /**
   * Chats. Published: mean output normalized to 256 with its variance kept, sharing 0.19, density
   * 2.13. Assumed: 300 prompt tokens, shared within 64 applications; the deviation of the outputs
   * follows from the density.
   */
  public static final TraceShape WILD_CHAT =
      new TraceShape(
          "wildchat", 0, 64, 57, lengths(243, 486, 4, 8_192), lengths(256, 460, 1, 4_096), 4_096);

  private TraceShapes() {}

  private static LengthDistribution lengths(double mean, double deviation, int least, int most) {
    return new LengthDistribution(mean, deviation, least, most);
  }
}
