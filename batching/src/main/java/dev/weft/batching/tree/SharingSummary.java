package dev.weft.batching.tree;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Where in the prompts tokens are shared, for people.
 *
 * @param levels sharing by token position, in ranges that double
 * @param topPrefixes shared prefixes that save most, best first
 */
public record SharingSummary(List<Level> levels, List<SharedPrefix> topPrefixes) {
  public SharingSummary {
    levels = List.copyOf(levels);
    topPrefixes = List.copyOf(topPrefixes);
  }

  /**
   * Sharing of the token positions {@code [fromToken, toToken)}.
   *
   * @param promptTokens tokens of all prompts in that range
   * @param distinctTokens tokens of the tree in that range
   */
  public record Level(int fromToken, int toToken, long promptTokens, long distinctTokens) {
    /** Part of the tokens that sharing saves, 0..1. */
    public double savedShare() {
      return promptTokens == 0 ? 0 : 1 - (double) distinctTokens / promptTokens;
    }
  }

  /**
   * A prefix that several requests share.
   *
   * @param request one of them: the prefix is the first {@code prefixTokens} tokens of its prompt
   * @param prefixTokens length of the prefix
   * @param ownTokens its last tokens, shared by exactly these requests
   * @param requests number of requests that share it
   * @param savedTokens tokens saved on the own ones: {@code (requests - 1) * ownTokens}
   */
  public record SharedPrefix(
      int request, int prefixTokens, int ownTokens, int requests, long savedTokens) {}

  /**
   * @param top most prefixes to list
   */
  public static SharingSummary of(PrefixTree tree, int top) {
    long[] prompt = new long[32];
    long[] distinct = new long[32];
    Comparator<SharedPrefix> bySaving =
        Comparator.comparingLong(SharedPrefix::savedTokens)
            .thenComparing(SharedPrefix::request, Comparator.reverseOrder());
    PriorityQueue<SharedPrefix> best = new PriorityQueue<>(bySaving);
    int levels = 0;
    for (int node = 1; node < tree.nodes(); node++) {
      int end = tree.depthTokens(node);
      int count = tree.requestCount(node);
      for (int at = end - tree.spanTokens(node); at < end; ) {
        int level = level(at);
        int until = (int) Math.min(end, levelEnd(level));
        distinct[level] += until - at;
        prompt[level] += (long) count * (until - at);
        levels = Math.max(levels, level + 1);
        at = until;
      }
      long saved = (long) (count - 1) * tree.spanTokens(node);
      if (saved > 0 && top > 0 && (best.size() < top || saved > best.peek().savedTokens())) {
        int request = tree.requestAt(tree.firstPosition(node));
        best.add(new SharedPrefix(request, end, tree.spanTokens(node), count, saved));
        if (best.size() > top) {
          best.poll();
        }
      }
    }
    List<Level> list = new ArrayList<>();
    for (int level = 0; level < levels; level++) {
      int from = level == 0 ? 0 : (int) levelEnd(level - 1);
      int to = (int) Math.min(Integer.MAX_VALUE, levelEnd(level));
      list.add(new Level(from, to, prompt[level], distinct[level]));
    }
    List<SharedPrefix> prefixes = new ArrayList<>(best);
    prefixes.sort(bySaving.reversed());
    return new SharingSummary(list, prefixes);
  }

  /** Ranges end at 16, 32, 64, ... */
  private static int level(int token) {
    return token < 16 ? 0 : 28 - Integer.numberOfLeadingZeros(token);
  }

  private static long levelEnd(int level) {
    return 16L << level;
  }
}
