package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.RaggedTokens;
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

  /** Vectors of positions in a page. */
  private static final int PAGE_VECTORS = PAGE / Lanes.COUNT;

  private final WorkerPool pool;
  private final AttentionBlocks blocks;
  private final Scratch[] scratch;

  private HostActivations qkv;
  private AttentionShape shape;
  private RaggedTokens tokens;
  private HostKvCache cache;
  private int layer;
  private HostActivations output;

  Attention(WorkerPool pool) {
    this.pool = pool;
    blocks = new AttentionBlocks(pool.threads());
    scratch = new Scratch[pool.threads()];
    Arrays.setAll(scratch, worker -> new Scratch());
  }

  /** What one worker needs. */
  private static final class Scratch {
    int scoreStride;
    int mixStride;
    float[] scores = new float[0];
    float[] mixed = new float[0];
    final float[] partials = new float[RowKernels.PARTIALS];

    /** Of the four queries at hand: places in the arrays, and positions attended to. */
    final int[] query = new int[QUERIES];

    final int[] score = new int[QUERIES];
    final int[] mix = new int[QUERIES];
    final int[] first = new int[QUERIES];
    final int[] length = new int[QUERIES];

    /** Of each query of the block. */
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
    output = out;
    blocks.cut(ragged, heads);
    pool.forEach(blocks.count() * heads.kvHeads(), this);
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
    score(s, begin, end, blocks.commonPages(block), kvHead);
    for (int q = 0; q < queries; q++) {
      softmax(s, q, begin, kvHead);
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

  /** Sets up four queries of a block from {@code from} on; the last repeats if there are fewer. */
  private void load(Scratch s, int begin, int kvHead, int from, int count) {
    for (int j = 0; j < QUERIES; j++) {
      int q = from + Math.min(j, count - 1);
      int token = blocks.token(begin + q / shape.group());
      int head = kvHead * shape.group() + q % shape.group();
      s.query[j] = token * qkv.stride() + shape.queryColumn() + head * shape.headDim();
      s.first[j] = shape.firstPosition(tokens.position(token));
      s.length[j] = tokens.position(token) + 1;
      s.score[j] = q * s.scoreStride;
      s.mix[j] = q * s.mixStride;
    }
  }

  /** Scores of common pages for all queries, page by page; then of what sequences have alone. */
  private void score(Scratch s, int begin, int end, int commonPages, int kvHead) {
    int queries = (end - begin) * shape.group();
    int[] pages = tokens.pages(blocks.sequence(begin));
    int vectors = commonPages * PAGE_VECTORS;
    load(s, begin, kvHead, 0, 1);
    for (int v = s.first[0] / PAGE * PAGE_VECTORS; v < vectors; v += 2) {
      for (int q = 0; q < queries; q += QUERIES) {
        load(s, begin, kvHead, q, Math.min(QUERIES, queries - q));
        scoreVectors(s, v, Math.min(v + 1, vectors - 1), pages, kvHead);
      }
    }
    for (int from = begin; from < end; from = blocks.endOfSequence(from, end)) {
      int last = blocks.endOfSequence(from, end);
      int[] own = tokens.pages(blocks.sequence(from));
      int endQuery = (last - begin) * shape.group();
      for (int q = (from - begin) * shape.group(); q < endQuery; q += QUERIES) {
        load(s, begin, kvHead, q, Math.min(QUERIES, endQuery - q));
        int ownVectors = (s.length[QUERIES - 1] + Lanes.COUNT - 1) / Lanes.COUNT;
        for (int v = Math.max(vectors, s.first[0] / PAGE * PAGE_VECTORS); v < ownVectors; v += 2) {
          scoreVectors(s, v, Math.min(v + 1, ownVectors - 1), own, kvHead);
        }
      }
    }
  }

  /** Scores of two vectors of positions for four queries. */
  private void scoreVectors(Scratch s, int v, int second, int[] pages, int kvHead) {
    int at = v * Lanes.COUNT;
    PageFma.twoByFour(
        cache.keys(layer),
        keyVector(pages, v, kvHead),
        keyVector(pages, second, kvHead),
        KEY_STEP,
        shape.headDim(),
        qkv.data(),
        s.query[0],
        s.query[1],
        s.query[2],
        s.query[3],
        s.scores,
        s.score[0] + at,
        s.score[1] + at,
        s.score[2] + at,
        s.score[3] + at,
        (second - v) * Lanes.COUNT,
        true);
  }

  /** Makes shares of the scores of a query; they sum to 1. */
  private void softmax(Scratch s, int q, int begin, int kvHead) {
    load(s, begin, kvHead, q, 1);
    int from = s.score[0] + s.first[0] / PAGE * PAGE;
    int end = s.score[0] + (s.length[0] + PAGE - 1) / PAGE * PAGE;
    Arrays.fill(s.scores, from, s.score[0] + s.first[0], Float.NEGATIVE_INFINITY);
    Arrays.fill(s.scores, s.score[0] + s.length[0], end, Float.NEGATIVE_INFINITY);
    float max = RowKernels.max(s.scores, from, end - from);
    s.sum[q] = RowKernels.softmax(s.scores, from, end - from, max, shape.scale(), s.partials);
  }

  /**
   * Sums up values, page by page for all queries where pages are common. Where windows begin, sums
   * begin in memory at zero, and each query has its own positions up to the next page.
   */
  private void mix(Scratch s, int begin, int end, int commonPages, int kvHead) {
    int queries = (end - begin) * shape.group();
    int[] pages = tokens.pages(blocks.sequence(begin));
    load(s, begin, kvHead, queries - 1, 1);
    int firstPage = (s.first[0] + PAGE - 1) / PAGE;
    boolean windowed = firstPage > 0;
    if (windowed) {
      Arrays.fill(s.mixed, 0, queries * s.mixStride, 0f);
      for (int q = 0; q < queries; q++) {
        load(s, begin, kvHead, q, 1);
        mixRange(s, 0, s.first[0], Math.min(firstPage * PAGE, s.length[0]), pages, kvHead);
      }
    }
    for (int p = firstPage; p < commonPages; p++) {
      for (int q = 0; q < queries; q += QUERIES) {
        load(s, begin, kvHead, q, Math.min(QUERIES, queries - q));
        mixAll(s, p * PAGE, PAGE, pages[p], kvHead, !windowed && p == 0);
      }
    }
    int rest = Math.max(firstPage, commonPages) * PAGE;
    for (int from = begin; from < end; from = blocks.endOfSequence(from, end)) {
      int endQuery = (blocks.endOfSequence(from, end) - begin) * shape.group();
      int[] own = tokens.pages(blocks.sequence(from));
      for (int q = (from - begin) * shape.group(); q < endQuery; q += QUERIES) {
        int kept = Math.min(QUERIES, endQuery - q);
        load(s, begin, kvHead, q, kept);
        mixRest(s, kept, rest, !windowed, own, kvHead);
      }
    }
  }

  /** Values from a page on, of four queries of one sequence: first what all of them attend to. */
  private void mixRest(Scratch s, int kept, int from, boolean fresh, int[] pages, int kvHead) {
    int all = Math.max(from, s.length[0]);
    for (int position = from; position < all; position += PAGE) {
      int count = Math.min(PAGE, all - position);
      mixAll(s, position, count, pages[position / PAGE], kvHead, fresh && position == 0);
    }
    for (int j = 0; j < kept; j++) {
      mixRange(s, j, all, s.length[j], pages, kvHead);
    }
  }

  private void mixRange(Scratch s, int j, int from, int to, int[] pages, int kvHead) {
    int position = from;
    while (position < to) {
      int end = Math.min(to, (position / PAGE + 1) * PAGE);
      mixOne(s, j, position, end - position, pages[position / PAGE], kvHead);
      position = end;
    }
  }

  private long keyVector(int[] pages, int vector, int kvHead) {
    return cache.keyOffset(pages[vector / PAGE_VECTORS], kvHead)
        + (long) (vector % PAGE_VECTORS) * Lanes.BYTES;
  }

  /** Adds the values of {@code count} positions from the start of a page to all four results. */
  private void mixAll(Scratch s, int position, int count, int page, int kvHead, boolean fresh) {
    int width = cache.layout().valueStride();
    long values = cache.valueOffset(page, kvHead);
    for (int d = 0; d < width; d += 2 * Lanes.COUNT) {
      int second = d + Lanes.COUNT < width ? Lanes.COUNT : 0;
      long at = values + (long) d * Float.BYTES;
      PageFma.twoByFour(
          cache.values(layer),
          at,
          at + (long) second * Float.BYTES,
          width * Float.BYTES,
          count,
          s.scores,
          s.score[0] + position,
          s.score[1] + position,
          s.score[2] + position,
          s.score[3] + position,
          s.mixed,
          s.mix[0] + d,
          s.mix[1] + d,
          s.mix[2] + d,
          s.mix[3] + d,
          second,
          fresh);
    }
  }

  /** Adds the values of positions within a page to one result that attends further than others. */
  private void mixOne(Scratch s, int j, int position, int count, int page, int kvHead) {
    int width = cache.layout().valueStride();
    int last = width - Lanes.COUNT;
    long row = cache.valueOffset(page, kvHead) + (long) (position % PAGE) * width * Float.BYTES;
    for (int d = 0; d < width; d += 4 * Lanes.COUNT) {
      int d1 = Math.min(d + Lanes.COUNT, last);
      int d2 = Math.min(d + 2 * Lanes.COUNT, last);
      int d3 = Math.min(d + 3 * Lanes.COUNT, last);
      PageFma.fourByOne(
          cache.values(layer),
          row + (long) d * Float.BYTES,
          row + (long) d1 * Float.BYTES,
          row + (long) d2 * Float.BYTES,
          row + (long) d3 * Float.BYTES,
          width * Float.BYTES,
          count,
          s.scores,
          s.score[j] + position,
          s.mixed,
          s.mix[j] + d,
          s.mix[j] + d1,
          s.mix[j] + d2,
          s.mix[j] + d3,
          false);
    }
  }
}
