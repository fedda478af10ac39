package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.RaggedTokens;
import java.util.Arrays;

/**
 * What kernels read of the tokens of a step, as integers of the queue that all layers share: their
 * positions and page tables, and the blocks in which they go through attention.
 */
final class StepTokens {
  private static final int PAGE = KvConfig.PAGE_TOKENS;

  private final DeviceQueue queue;
  private final Blocks single = new Blocks();
  private final Blocks several = new Blocks();
  private RaggedTokens tokens;
  private long revision;
  private int generation;
  private int at;

  StepTokens(DeviceQueue queue) {
    this.queue = queue;
  }

  /** A step has ended. */
  void clear() {
    tokens = null;
  }

  /**
   * Where in {@code step} the tokens are: a position for each, the begin of the page table for
   * each; page tables lie elsewhere.
   */
  int at(RaggedTokens step) {
    if (tokens == step && revision == step.revision() && generation == queue.generation()) {
      return at;
    }
    int count = step.tokens();
    int[] table = new int[2 * count];
    for (int s = 0; s < step.sequences(); s++) {
      int first = step.firstToken(s);
      int end = step.firstToken(s + 1);
      if (end > first) {
        int begin = queue.integers(step.pages(s), step.position(end - 1) / PAGE + 1);
        Arrays.fill(table, count + first, count + end, begin);
      }
    }
    for (int t = 0; t < count; t++) {
      table[t] = step.position(t);
    }
    at = queue.integers(table, table.length);
    tokens = step;
    revision = step.revision();
    generation = queue.generation();
    single.most = 0;
    several.most = 0;
    return at;
  }

  /** The tokens in blocks of at most {@code most}. */
  Blocks blocks(RaggedTokens step, int most) {
    at(step);
    // Layers with a window and those without take turns.
    Blocks wanted = most == 1 ? single : several;
    if (wanted.most != most) {
      wanted.cut(step, most);
    }
    return wanted;
  }

  /** Blocks of the step in the integers of the queue. */
  final class Blocks {
    private final TokenBlocks blocks = new TokenBlocks();

    /** As they were cut; 0 if they were not. */
    private int most;

    private int at;

    /**
     * Where in {@code step} they are; of each where its tokens are, how many they are and their
     * common positions.
     */
    int at() {
      return at;
    }

    int count() {
      return blocks.count();
    }

    private void cut(RaggedTokens step, int mostTokens) {
      most = mostTokens;
      blocks.cut(step, most);
      int tokensAt = queue.integers(blocks.tokens(), step.tokens());
      int[] table = new int[3 * blocks.count()];
      for (int b = 0; b < blocks.count(); b++) {
        int count = blocks.begin(b + 1) - blocks.begin(b);
        table[3 * b] = tokensAt + blocks.begin(b);
        table[3 * b + 1] = count;
        // A token alone may have a window, which begins at a position of its own.
        table[3 * b + 2] = count == 1 ? 0 : blocks.common(b);
      }
      at = queue.integers(table, table.length);
    }
  }
}
