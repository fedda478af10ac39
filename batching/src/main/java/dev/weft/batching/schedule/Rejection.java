package dev.weft.batching.schedule;

/**
 * A sequence that cannot run in this KV pool, however long it waits. The scheduler has let go of it
 * and holds none of its pages.
 *
 * @param sequence what was rejected; tokens generated so far are still in it
 * @param reason which limit it met
 * @param neededPages pages it would need at least to go on
 * @param poolPages pages of the whole pool
 */
public record Rejection(Sequence sequence, Reason reason, int neededPages, int poolPages) {
  public enum Reason {
    /** The prompt and one more page do not fit into the pool. */
    PROMPT_EXCEEDS_POOL,
    /** Prompt and output grew to the size of the pool while nothing else was running. */
    OUTPUT_EXCEEDS_POOL
  }

  /** What is wrong and how to fix it, in words with numbers. */
  public String message() {
    return switch (reason) {
      case PROMPT_EXCEEDS_POOL ->
          "the prompt of "
              + sequence.promptTokens()
              + " tokens needs "
              + neededPages
              + " KV pages, the pool has "
              + poolPages
              + ": give the KV pool more memory or shorten the prompt";
      case OUTPUT_EXCEEDS_POOL ->
          "prompt and output grew to "
              + sequence.length()
              + " tokens and need "
              + neededPages
              + " KV pages, the pool has "
              + poolPages
              + ": give the KV pool more memory or lower the output limit";
    };
  }
}
