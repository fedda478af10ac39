package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.RaggedTokens;
import java.util.Arrays;

/**
 * The tokens of a step in blocks that read pages together: neighbours of one sequence, and last
 * tokens of sequences with a common prefix. How they are cut changes the time of a step only.
 */
final class AttentionBlocks {
  private static final int PAGE = KvConfig.PAGE_TOKENS;
  private static final int MOST_TOKENS = 8;

  /** Scores of a block: 256 KiB, which stay in the second-level cache. */
  private static final int MOST_SCORES = 1 << 16;

  /** Blocks of sequences with a common prefix, so that no worker is left without. */
  private static final int BLOCKS_PER_WORKER = 4;

  private final int workers;
  private RaggedTokens tokens;
  private long revision = -1;
  private AttentionShape shape;
  private int count;
  private int size;
  private int[] begins = new int[17];
  private int[] common = new int[16];
  private int[] lastPositions = new int[16];
  private int[] token = new int[64];
  private int[] sequence = new int[64];

  /** Sequences of one token, and room to sort them. */
  private int[] singles = new int[16];

  private int[] merged = new int[16];

  AttentionBlocks(int workers) {
    this.workers = workers;
  }

  /** Cuts the tokens of a step; nothing is done if they were cut before. */
  void cut(RaggedTokens ragged, AttentionShape heads) {
    if (ragged == tokens && ragged.revision() == revision && heads.equals(shape)) {
      return;
    }
    tokens = ragged;
    revision = ragged.revision();
    shape = heads;
    count = 0;
    size = 0;
    int single = 0;
    for (int s = 0; s < ragged.sequences(); s++) {
      int first = ragged.firstToken(s);
      int end = ragged.firstToken(s + 1);
      if (end - first == 1 && heads.window() == 0) {
        if (single == singles.length) {
          singles = Arrays.copyOf(singles, single * 2);
          merged = new int[single * 2];
        }
        singles[single++] = s;
      } else {
        cutSequence(s, first, end);
      }
    }
    sortByPages(single);
    cutSingles(single);
  }

  private void cutSequence(int s, int first, int end) {
    int step = first == end ? 1 : mostTokens(tokens.position(end - 1));
    for (int t = first; t < end; t += step) {
      open((tokens.position(t) + 1) / PAGE);
      for (int i = t; i < Math.min(end, t + step); i++) {
        add(s, i);
      }
    }
  }

  private void cutSingles(int single) {
    int most = Math.clamp(single * shape.kvHeads() / (BLOCKS_PER_WORKER * workers), 1, MOST_TOKENS);
    int i = 0;
    while (i < single) {
      int first = tokens.firstToken(singles[i]);
      int shared = (tokens.position(first) + 1) / PAGE;
      int room = Math.min(most, mostTokens(tokens.position(first)));
      open(shared);
      add(singles[i++], first);
      for (int n = 1; n < room && i < single; n++) {
        int next = tokens.firstToken(singles[i]);
        int[] pages = tokens.pages(singles[i]);
        int[] before = tokens.pages(singles[i - 1]);
        int same = Arrays.mismatch(before, pages);
        int both = Math.min(shared, (tokens.position(next) + 1) / PAGE);
        both = same < 0 ? both : Math.min(both, same);
        if (both == 0 || 2 * both < shared || n >= mostTokens(tokens.position(next))) {
          break;
        }
        shared = both;
        common[count - 1] = shared;
        add(singles[i++], next);
      }
    }
  }

  /** Tokens of a block that reaches to a position. */
  private int mostTokens(int position) {
    return Math.clamp(MOST_SCORES / ((position + PAGE) * shape.group()), 1, MOST_TOKENS);
  }

  private void open(int commonPages) {
    if (count == common.length) {
      common = Arrays.copyOf(common, count * 2);
      lastPositions = Arrays.copyOf(lastPositions, count * 2);
      begins = Arrays.copyOf(begins, count * 2 + 1);
    }
    common[count] = commonPages;
    lastPositions[count++] = 0;
  }

  private void add(int s, int t) {
    if (size == token.length) {
      token = Arrays.copyOf(token, size * 2);
      sequence = Arrays.copyOf(sequence, size * 2);
    }
    sequence[size] = s;
    token[size++] = t;
    begins[count] = size;
    lastPositions[count - 1] = Math.max(lastPositions[count - 1], tokens.position(t));
  }

  /** Sorts the first {@code n} of {@link #singles} so that common prefixes are neighbours. */
  private void sortByPages(int n) {
    for (int width = 1; width < n; width *= 2) {
      for (int from = 0; from < n; from += 2 * width) {
        merge(from, Math.min(n, from + width), Math.min(n, from + 2 * width));
      }
      int[] sorted = merged;
      merged = singles;
      singles = sorted;
    }
  }

  private void merge(int from, int middle, int end) {
    int a = from;
    int b = middle;
    for (int i = from; i < end; i++) {
      boolean left =
          a < middle
              && (b == end
                  || Arrays.compare(tokens.pages(singles[a]), tokens.pages(singles[b])) <= 0);
      merged[i] = left ? singles[a++] : singles[b++];
    }
  }

  int count() {
    return count;
  }

  /** Place of a block's first token; that of the next block is the end. */
  int begin(int block) {
    return begins[block];
  }

  /** The token at a place. */
  int token(int place) {
    return token[place];
  }

  /** The sequence of the token at a place. */
  int sequence(int place) {
    return sequence[place];
  }

  /** The end of the places from {@code from} on that are of one sequence. */
  int endOfSequence(int from, int end) {
    int place = from + 1;
    while (place < end && sequence[place] == sequence[from]) {
      place++;
    }
    return place;
  }

  /** Whole pages from position 0 on that all tokens of a block have and attend to. */
  int commonPages(int block) {
    return common[block];
  }

  /** Largest position of a block. */
  int lastPosition(int block) {
    return lastPositions[block];
  }
}
