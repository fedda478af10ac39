package dev.weft.kernels.forward;

import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.sampling.SamplingParams;
import java.util.Arrays;

/**
 * The tokens of one step, flat and reused between steps. Decode tokens and prompt chunks are the
 * same: a sequence with one token or with many. Not thread-safe.
 */
public final class StepBatch {
  private final RaggedTokens tokens = new RaggedTokens();
  private int[] tokenIds = new int[64];
  private int[] logitsTokens = new int[16];
  private int[] tokensNeeded = new int[16];
  private double[] spans = new double[16];
  private int logitsRows;

  public void clear() {
    tokens.clear();
    logitsRows = 0;
  }

  /**
   * Starts the next sequence.
   *
   * @param pages page ids from position 0 on, {@code pages.length * 16} at least the last position
   *     of the step plus one; kept by reference until {@link #clear}. Pages before the first token
   *     added hold the keys and values of earlier steps; other sequences may share them
   */
  public void beginSequence(int[] pages) {
    tokens.beginSequence(pages);
  }

  /**
   * Adds the next token of the sequence begun last.
   *
   * @param position place in the sequence, from 0; follows the one before within this step
   * @param wantsLogits whether its logits are wanted, all of them; rows come in the order of adding
   */
  public void addToken(int tokenId, int position, boolean wantsLogits) {
    addToken(tokenId, position, wantsLogits ? SamplingParams.ALL_TOKENS : 0);
  }

  /** The same with so many of the most likely tokens, whatever their logits. */
  public void addToken(int tokenId, int position, int needed) {
    addToken(tokenId, position, needed, SamplingParams.NO_SPAN);
  }

  /**
   * Adds the next token of the sequence begun last.
   *
   * @param position place in the sequence, from 0; follows the one before within this step
   * @param needed of how many of the most likely tokens that may follow the logits are wanted; 0
   *     for none
   * @param span all logits are wanted if the last of these is at most that far below the first;
   *     {@link SamplingParams#NO_SPAN} if not
   */
  public void addToken(int tokenId, int position, int needed, double span) {
    int index = tokens.addToken(position);
    if (index == tokenIds.length) {
      tokenIds = Arrays.copyOf(tokenIds, index * 2);
    }
    tokenIds[index] = tokenId;
    if (needed > 0) {
      if (logitsRows == logitsTokens.length) {
        logitsTokens = Arrays.copyOf(logitsTokens, logitsRows * 2);
        tokensNeeded = Arrays.copyOf(tokensNeeded, logitsRows * 2);
        spans = Arrays.copyOf(spans, logitsRows * 2);
      }
      spans[logitsRows] = span;
      tokensNeeded[logitsRows] = needed;
      logitsTokens[logitsRows++] = index;
    }
  }

  public int tokens() {
    return tokens.tokens();
  }

  public int sequences() {
    return tokens.sequences();
  }

  /** Rows of logits that a step over this batch gives. */
  public int logitsRows() {
    return logitsRows;
  }

  /** Index in the step of the token of a row of logits. */
  public int logitsToken(int row) {
    return logitsTokens[row];
  }

  /** Of how many of the most likely tokens the logits of a row are wanted. */
  int tokensNeeded(int row) {
    return tokensNeeded[row];
  }

  /** How far the last of them must be below the first to be enough. */
  double span(int row) {
    return spans[row];
  }

  public int tokenId(int token) {
    return tokenIds[token];
  }

  /** Positions and page tables. */
  public RaggedTokens ragged() {
    return tokens;
  }

  int[] tokenIds() {
    return tokenIds;
  }

  int[] logitsTokens() {
    return logitsTokens;
  }
}
