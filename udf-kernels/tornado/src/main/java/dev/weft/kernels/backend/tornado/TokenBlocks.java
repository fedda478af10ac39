package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.RaggedTokens;
import java.util.Arrays;

/**
 * The tokens of a step in blocks that read pages together: neighbours of one sequence, and single
 * tokens of sequences with a common prefix. A block has its first {@code common} positions, a
 * multiple of {@link AttentionKernels#GROUP}, on the same pages for all of its tokens, each of
 * which attends to all of them. How they are cut changes the time of a step only.
 */
final class TokenBlocks {
  private static final int PAGE = KvConfig.PAGE_TOKENS;

  private int room;
  private int blocks;
  private int[] begins = new int[17];
  private int[] common = new int[16];
  private int[] order = new int[16];
  private int ordered;

  /** Cuts the tokens of a step into blocks of at most {@code most}. */
  void cut(RaggedTokens step, int most) {
    room = most;
    blocks = 0;
    ordered = 0;
    cutSequences(step);
    cutSingles(step);
  }

  int count() {
    return blocks;
  }

  /** Where in {@link #tokens} a block begins; that of the next block is the end. */
  int begin(int block) {
    return begins[block];
  }

  /** Positions that the tokens of a block have on the same pages. */
  int common(int block) {
    return common[block];
  }

  /** The tokens of all blocks, one block after the other; not to be changed. */
  int[] tokens() {
    return order;
  }

  private void cutSequences(RaggedTokens step) {
    for (int s = 0; s < step.sequences(); s++) {
      int end = step.firstToken(s + 1);
      if (end - step.firstToken(s) > 1) {
        for (int first = step.firstToken(s); first < end; first += room) {
          open(first, whole(step.position(first) + 1));
          for (int t = first + 1; t < Math.min(end, first + room); t++) {
            add(t);
          }
        }
      }
    }
  }

  private void cutSingles(RaggedTokens step) {
    int[][] pages = new int[step.sequences()][];
    Integer[] singles = new Integer[step.sequences()];
    int count = 0;
    for (int s = 0; s < step.sequences(); s++) {
      if (step.firstToken(s + 1) - step.firstToken(s) == 1) {
        pages[s] = step.pages(s);
        singles[count++] = s;
      }
    }
    if (room > 1) {
      Arrays.sort(singles, 0, count, (a, b) -> Arrays.compare(pages[a], pages[b]));
    }
    int inBlock = 0;
    int shared = 0;
    for (int i = 0; i < count; i++) {
      int token = step.firstToken(singles[i]);
      int own = whole(step.position(token) + 1);
      if (inBlock > 0 && inBlock < room) {
        int differs = Arrays.mismatch(pages[singles[i - 1]], pages[singles[i]]);
        int same = differs < 0 ? own : Math.min(own, whole(differs * PAGE));
        int both = Math.min(shared, same);
        // Not if half of what the others have in common were read by each of them again.
        if (both > 0 && 2 * both >= shared) {
          shared = both;
          common[blocks - 1] = both;
          add(token);
          inBlock++;
          continue;
        }
      }
      shared = own;
      open(token, own);
      inBlock = 1;
    }
  }

  private static int whole(int positions) {
    return positions / AttentionKernels.GROUP * AttentionKernels.GROUP;
  }

  private void open(int token, int positions) {
    if (blocks == common.length) {
      common = Arrays.copyOf(common, 2 * blocks);
      begins = Arrays.copyOf(begins, 2 * blocks + 1);
    }
    begins[blocks] = ordered;
    common[blocks++] = positions;
    add(token);
  }

  private void add(int token) {
    if (ordered == order.length) {
      order = Arrays.copyOf(order, 2 * ordered);
    }
    order[ordered++] = token;
    begins[blocks] = ordered;
  }
}
