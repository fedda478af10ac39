package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.memory.OffHeap;
import java.util.Arrays;

/**
 * Causal attention over pages. A chunk of work is one key-value head of a block of tokens; its
 * queries (tokens x heads of the group) go through the kernels four at a time.
 *
 * <p>Pages that all tokens of a block attend to are read once for all of its queries: those before
 * the tokens of one sequence, and prefixes that sequences share (cascade inference, Ye and others
 * 2024). Pages of one sequence alone follow.
 *
 * <p>Always from position 0, or from the first position of the window: scores are sums over the
 * head in order, the sum of the softmax has sixteen partial sums by place in the page, values are
 * summed in the order of positions, for each query from its own first position up to its own
 * position; scores of positions before a window are those of probability 0. So a token's result
 * depends neither on the block or the chunk it came in nor on whose pages its prefix lies in.
 */
final class Attention implements WorkerPool.Job {
  private static final int PAGE = KvConfig.PAGE_TOKENS;
  private static final int KEY_STEP = PAGE * Float.BYTES;
  private static final int QUERIES = 4;

  private final WorkerPool pool;
  private final MemoryBudget budget;
  private final AttentionBlocks blocks;
  private final Scratch[] scratch;

  private HostActivations qkv;
  private AttentionShape shape;
  private RaggedTokens tokens;
  private HostKvCache cache;
  private KvLayout layout;
  private OffHeap rooms;
  private int layer;
  private HostActivations output;

  /**
   * @param budget for decoded pages
   */
  Attention(WorkerPool pool, MemoryBudget budget) {
    this.pool = pool;
    this.budget = budget;
    blocks = new AttentionBlocks(pool.threads());
    scratch = new Scratch[pool.threads()];
    Arrays.setAll(scratch, worker -> new Scratch());
  }

  /** What one worker needs. */
  private static final class Scratch {
    KvPages pages;
    int scoreStride;
    int mixStride;
    float[] scores = new float[0];
    float[] mixed = new float[0];
    final float[] partials = new float[RowKernels.PARTIALS];

    /** Of each query of the block: where it is, and the positions that it attends to. */
    int[] query = new int[0];

    int[] first = new int[0];
    int[] length = new int[0];
    float[] sum = new float[0];

    /** Makes room for the queries of a block. */
    void fit(int queries, int context, int width) {
      scoreStride = context;
      mixStride = width;
      if (scores.length < queries * context) {
        scores = new float[Math.max(queries * context, scores.length * 2)];
      }
      if (mixed.length < queries * width) {
        mixed = new float[queries * width];
      }
      if (sum.length < queries) {
        query = new int[queries];
        first = new int[queries];
        length = new int[queries];
        sum = new float[queries];
      }
    }
  }

  void compute(
      HostActivations queries,
      AttentionShape heads,
      RaggedTokens ragged,
      HostKvCache kv,
      int layerIndex,
      HostActivations out) {
    int width = heads.heads() * heads.headDim();
    if (ragged.tokens() > queries.rows()
        || ragged.tokens() > out.rows()
        || heads.queryColumn() + width > queries.stride()
        || width > out.stride()
        || heads.kvHeads() != kv.layout().kvHeads()
        || heads.headDim() != kv.layout().headDim()) {
      throw new IllegalArgumentException(
          ragged.tokens()
              + " tokens of "
              + heads
              + " on "
              + queries.rows()
              + " x "
              + queries.stride()
              + " and "
              + kv.layout()
              + " to "
              + out.rows()
              + " x "
              + out.stride());
    }
    qkv = queries;
    shape = heads;
    tokens = ragged;
    cache = kv;
    layer = layerIndex;
    if (!kv.layout().equals(layout)) {
      open(kv.layout());
    }
    output = out;
    blocks.cut(ragged, heads);
    pool.forEach(blocks.count() * heads.kvHeads(), this);
  }

  /** Gives workers room for decoded pages. */
  private void open(KvLayout kv) {
    close();
    long bytes = KvPages.roomBytes(kv);
    rooms = budget.allocate("decoded KV pages", Math.max(1, pool.threads() * bytes));
    for (int i = 0; i < scratch.length; i++) {
      scratch[i].pages = new KvPages(kv, rooms.segment().asSlice(i * bytes, bytes));
    }
    layout = kv;
  }

  /** Frees what decoded pages took. */
  void close() {
    if (rooms != null) {
      rooms.close();
      rooms = null;
      layout = null;
    }
  }

  @Override
  public void run(int chunk, int worker) {
    int block = chunk / shape.kvHeads();
    int kvHead = chunk % shape.kvHeads();
    int begin = blocks.begin(block);
    int end = blocks.begin(block + 1);
    int queries = (end - begin) * shape.group();
    Scratch s = scratch[worker];
    int context = (blocks.lastPosition(block) / PAGE + 1) * PAGE;
    s.fit(queries, context, cache.layout().valueStride());
    load(s, begin, queries, kvHead);
    score(s, begin, end, blocks.commonPages(block), kvHead);
    for (int q = 0; q < queries; q++) {
      softmax(s, q);
    }
    mix(s, begin, end, blocks.commonPages(block), kvHead);
    for (int q = 0; q < queries; q++) {
      int token = blocks.token(begin + q / shape.group());
      int head = kvHead * shape.group() + q % shape.group();
      int result = token * output.stride() + head * shape.headDim();
      int mixed = q * s.mixStride;
      RowKernels.scale(s.mixed, mixed, 1 / s.sum[q], s.mixStride, s.mixed, mixed);
      System.arraycopy(s.mixed, mixed, output.data(), result, shape.headDim());
    }
  }

  private void load(Scratch s, int begin, int queries, int kvHead) {
    for (int q = 0; q < queries; q++) {
      int token = blocks.token(begin + q / shape.group());
      int head = kvHead * shape.group() + q % shape.group();
      s.query[q] = token * qkv.stride() + shape.queryColumn() + head * shape.headDim();
      s.first[q] = shape.firstPosition(tokens.position(token));
      s.length[q] = tokens.position(token) + 1;
    }
  }

  /** Scores of common pages for all queries, page by page; then of what sequences have alone. */
  private void score(Scratch s, int begin, int end, int commonPages, int kvHead) {
    int common = commonPages * KvPages.VECTORS;
    int queries = (end - begin) * shape.group();
    int first = s.first[0] / PAGE * KvPages.VECTORS;
    int[] pages = tokens.pages(blocks.sequence(begin));
    scoreRange(s, 0, queries, first, common, pages, kvHead);
    for (int from = begin; from < end; from = blocks.endOfSequence(from, end)) {
      int last = blocks.endOfSequence(from, end);
      int[] own = tokens.pages(blocks.sequence(from));
      int firstQuery = (from - begin) * shape.group();
      int endQuery = (last - begin) * shape.group();
      int vectors = tokens.position(blocks.token(last - 1)) / Lanes.COUNT + 1;
      scoreRange(s, firstQuery, endQuery, Math.max(first, common), vectors, own, kvHead);
    }
  }

  /** Scores of a range of vectors of positions for queries that share their pages. */
  private void scoreRange(
      Scratch s, int from, int to, int first, int end, int[] pages, int kvHead) {
    for (int v = first; v < end; v += 2) {
      int second = Math.min(v + 1, end - 1);
      s.pages.keys(cache, layer, kvHead, pages, v, second);
      for (int q = from; q < to; q += QUERIES) {
        scoreVectors(s, q, to - 1, v * Lanes.COUNT, (second - v) * Lanes.COUNT);
      }
    }
  }

  /**
   * Scores of two vectors of positions for four queries, the last of which repeats; also of
   * positions behind a query, which are overwritten.
   *
   * @param at first position
   * @param second distance of the second vector's positions
   */
  private void scoreVectors(Scratch s, int q, int last, int at, int second) {
    int q1 = Math.min(q + 1, last);
    int q2 = Math.min(q + 2, last);
    int q3 = Math.min(q + 3, last);
    PageFma.twoByFour(
        s.pages.keys,
        s.pages.firstKey,
        s.pages.secondKey,
        KEY_STEP,
        shape.headDim(),
        qkv.data(),
        s.query[q],
        s.query[q1],
        s.query[q2],
        s.query[q3],
        s.scores,
        q * s.scoreStride + at,
        q1 * s.scoreStride + at,
        q2 * s.scoreStride + at,
        q3 * s.scoreStride + at,
        second,
        true);
  }

  /** Makes shares of the scores of a query; they sum to 1. */
  private void softmax(Scratch s, int q) {
    int at = q * s.scoreStride;
    int from = at + s.first[q] / PAGE * PAGE;
    int end = at + (s.length[q] + PAGE - 1) / PAGE * PAGE;
    Arrays.fill(s.scores, from, at + s.first[q], Float.NEGATIVE_INFINITY);
    Arrays.fill(s.scores, at + s.length[q], end, Float.NEGATIVE_INFINITY);
    float max = RowKernels.max(s.scores, from, end - from);
    s.sum[q] = RowKernels.softmax(s.scores, from, end - from, max, shape.scale(), s.partials);
  }

  /**
   * Sums up values, page by page: common pages for all queries, then those of each sequence. Where
   * windows begin, sums begin in memory at zero, and each query has its own positions.
   */
  private void mix(Scratch s, int begin, int end, int commonPages, int kvHead) {
    int queries = (end - begin) * shape.group();
    int[] pages = tokens.pages(blocks.sequence(begin));
    int firstPage = s.first[0] / PAGE;
    int wholePage = (s.first[queries - 1] + PAGE - 1) / PAGE;
    boolean windowed = wholePage > 0;
    if (windowed) {
      Arrays.fill(s.mixed, 0, queries * s.mixStride, 0f);
    }
    for (int p = firstPage; p < wholePage; p++) {
      s.pages.values(cache, layer, kvHead, pages[p], PAGE);
      for (int q = 0; q < queries; q++) {
        mixOne(s, q, Math.max(p * PAGE, s.first[q]), Math.min((p + 1) * PAGE, s.length[q]));
      }
    }
    for (int p = wholePage; p < commonPages; p++) {
      s.pages.values(cache, layer, kvHead, pages[p], PAGE);
      for (int q = 0; q < queries; q += QUERIES) {
        mixAll(s, q, queries - 1, p * PAGE, PAGE, !windowed && p == 0);
      }
    }
    int own = Math.max(wholePage, commonPages);
    for (int from = begin; from < end; from = blocks.endOfSequence(from, end)) {
      mixOwn(s, begin, from, blocks.endOfSequence(from, end), own, !windowed, kvHead);
    }
  }

  /** Values from a page on, of the queries of one sequence: first what four of them attend to. */
  private void mixOwn(Scratch s, int begin, int from, int to, int page, boolean fresh, int kvHead) {
    int[] pages = tokens.pages(blocks.sequence(from));
    int last = tokens.position(blocks.token(to - 1));
    int endQuery = (to - begin) * shape.group();
    for (int p = page; p <= last / PAGE; p++) {
      int at = p * PAGE;
      s.pages.values(cache, layer, kvHead, pages[p], Math.min(PAGE, last + 1 - at));
      for (int q = (from - begin) * shape.group(); q < endQuery; q += QUERIES) {
        int all = Math.clamp(s.length[q], at, at + PAGE);
        if (all > at) {
          mixAll(s, q, endQuery - 1, at, all - at, fresh && p == 0);
        }
        for (int j = q; j < Math.min(endQuery, q + QUERIES); j++) {
          mixOne(s, j, all, Math.min(s.length[j], at + PAGE));
        }
      }
    }
  }

  /** Adds values of the first {@code count} positions of the chosen page to all four results. */
  private void mixAll(Scratch s, int q, int last, int position, int count, boolean fresh) {
    int width = s.mixStride;
    int q1 = Math.min(q + 1, last);
    int q2 = Math.min(q + 2, last);
    int q3 = Math.min(q + 3, last);
    for (int d = 0; d < width; d += 2 * Lanes.COUNT) {
      int second = d + Lanes.COUNT < width ? Lanes.COUNT : 0;
      long at = s.pages.firstValue + (long) d * Float.BYTES;
      PageFma.twoByFour(
          s.pages.values,
          at,
          at + (long) second * Float.BYTES,
          width * Float.BYTES,
          count,
          s.scores,
          q * s.scoreStride + position,
          q1 * s.scoreStride + position,
          q2 * s.scoreStride + position,
          q3 * s.scoreStride + position,
          s.mixed,
          q * width + d,
          q1 * width + d,
          q2 * width + d,
          q3 * width + d,
          second,
          fresh);
    }
  }

  /** Adds values of positions {@code from} to {@code to} of the chosen page to one result. */
  private void mixOne(Scratch s, int j, int from, int to) {
    if (from >= to) {
      return;
    }
    int width = s.mixStride;
    int last = width - Lanes.COUNT;
    long row = s.pages.firstValue + (long) (from % PAGE) * width * Float.BYTES;
    for (int d = 0; d < width; d += 4 * Lanes.COUNT) {
      int d1 = Math.min(d + Lanes.COUNT, last);
      int d2 = Math.min(d + 2 * Lanes.COUNT, last);
      int d3 = Math.min(d + 3 * Lanes.COUNT, last);
      PageFma.fourByOne(
          s.pages.values,
          row + (long) d * Float.BYTES,
          row + (long) d1 * Float.BYTES,
          row + (long) d2 * Float.BYTES,
          row + (long) d3 * Float.BYTES,
          width * Float.BYTES,
          to - from,
          s.scores,
          j * s.scoreStride + from,
          s.mixed,
          j * width + d,
          j * width + d1,
          j * width + d2,
          j * width + d3,
          false);
    }
  }
}
