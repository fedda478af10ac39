package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.PeerException;

/**
 * An engine below its scheduler: prompts and single steps of sequences, tokens given, logits
 * computed and dropped. Not thread-safe.
 */
interface Steps extends AutoCloseable {
  /** For results. */
  String name();

  /** Most sequences at the same time. */
  int mostSequences();

  /** Forgets everything, then computes a prompt for sequence 0, logits for its last token. */
  void prompt(int[] tokens) throws PeerException;

  /** Forgets everything, then gives the sequences {@code 0 <= s < prompts.length} these prompts. */
  void fill(int[][] prompts) throws PeerException;

  /**
   * Computes one token with logits for each sequence.
   *
   * @param tokens a token for each of the first sequences
   * @param position that all of them have reached
   */
  void step(int[] tokens, int position) throws PeerException;

  /** Takes the first sequences back to their first tokens. */
  void cut(int sequences, int tokens) throws PeerException;

  @Override
  void close();
}
