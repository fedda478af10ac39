package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.HostActivations;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.RaggedTokens;
import java.util.Arrays;

/**
 * Causal attention over pages. A chunk of work is one key-value head of a few tokens of a sequence;
 * its queries (tokens x heads of the group) go through the kernels four at a time.
 *
 * <p>Always from position 0, or from the first position of the window: scores are sums over the
 * head in order, the sum of the softmax has sixteen partial sums by place in the page, values are
 * summed in the order of positions, for each query from its own first position up to its own
 * position; scores of positions before a window are those of probability 0. So a token's result
 * depends neither on the chunk it came in nor on whose pages its prefix lies in.
 */
final class Attention implements WorkerPool.Job {
  private static final int PAGE = KvConfig.PAGE_TOKENS;
  private static final int KEY_STEP = PAGE * Float.BYTES;
  private static final int TOKEN_BLOCK = 8;
  private static final int QUERIES = 4;

  /** Vectors of positions in a page. */
  private static final int PAGE_VECTORS = PAGE / Lanes.COUNT;

  private final WorkerPool pool;
  private final Scratch[] scratch;
  private int[] blockSequence = new int[16];
  private int[] blockToken = new int[16];

  private HostActivations qkv;
  private AttentionShape shape;
  private RaggedTokens tokens;
  private HostKvCache cache;
  private int layer;
  private HostActivations output;

  Attention(WorkerPool pool) {
    this.pool = pool;
    scratch = new Scratch[pool.threads()];
    Arrays.setAll(scratch, worker -> new Scratch());
  }

  /** What one worker needs. */
  private static final class Scratch {
    float[] scores = new float[0];
    float[] mixed = new float[0];
    final float[] partials = new float[RowKernels.PARTIALS];

    /** Of the four queries: positions in the arrays, and positions attended to, from and to. */
    final int[] query = new int[QUERIES];

    final int[] score = new int[QUERIES];
    final int[] mix = new int[QUERIES];
    final int[] result = new int[QUERIES];
    final int[] first = new int[QUERIES];
    final int[] length = new int[QUERIES];
    final float[] sum = new float[QUERIES];
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
    int context = (ragged.maxPosition() / PAGE + 1) * PAGE;
    for (Scratch s : scratch) {
      if (s.scores.length < QUERIES * context) {
        s.scores = new float[QUERIES * Math.max(context, s.scores.length / QUERIES * 2)];
      }
      if (s.mixed.length < QUERIES * kv.layout().valueStride()) {
        s.mixed = new float[QUERIES * kv.layout().valueStride()];
      }
    }
    pool.forEach(blocks() * heads.kvHeads(), this);
  }

  private int blocks() {
    int count = 0;
    for (int s = 0; s < tokens.sequences(); s++) {
      for (int t = tokens.firstToken(s); t < tokens.firstToken(s + 1); t += TOKEN_BLOCK) {
        if (count == blockToken.length) {
          blockToken = Arrays.copyOf(blockToken, count * 2);
          blockSequence = Arrays.copyOf(blockSequence, count * 2);
        }
        blockSequence[count] = s;
        blockToken[count++] = t;
      }
    }
    return count;
  }

  @Override
  public void run(int chunk, int worker) {
    int block = chunk / shape.kvHeads();
    int kvHead = chunk % shape.kvHeads();
    int sequence = blockSequence[block];
    int firstToken = blockToken[block];
    int count = Math.min(TOKEN_BLOCK, tokens.firstToken(sequence + 1) - firstToken);
    int queries = count * shape.group();
    Scratch s = scratch[worker];
    int scoreStride = s.scores.length / QUERIES;
    int mixStride = s.mixed.length / QUERIES;
    for (int q = 0; q < queries; q += QUERIES) {
      int kept = Math.min(QUERIES, queries - q);
      for (int j = 0; j < QUERIES; j++) {
        int slot = Math.min(j, kept - 1);
        int token = firstToken + (q + slot) / shape.group();
        int head = kvHead * shape.group() + (q + slot) % shape.group();
        s.query[j] = token * qkv.stride() + shape.queryColumn() + head * shape.headDim();
        s.result[j] = token * output.stride() + head * shape.headDim();
        s.first[j] = shape.firstPosition(tokens.position(token));
        s.length[j] = tokens.position(token) + 1;
        s.score[j] = slot * scoreStride;
        s.mix[j] = slot * mixStride;
      }
      attend(s, kept, tokens.pages(sequence), kvHead);
    }
  }

  /** Four queries of one sequence, in the order of their positions; the last ones may repeat. */
  private void attend(Scratch s, int kept, int[] pages, int kvHead) {
    int firstPage = s.first[0] / PAGE * PAGE;
    score(s, firstPage, pages, kvHead);
    for (int j = 0; j < kept; j++) {
      int from = s.score[j] + firstPage;
      int end = s.score[j] + (s.length[j] + PAGE - 1) / PAGE * PAGE;
      Arrays.fill(s.scores, from, s.score[j] + s.first[j], Float.NEGATIVE_INFINITY);
      Arrays.fill(s.scores, s.score[j] + s.length[j], end, Float.NEGATIVE_INFINITY);
      float max = RowKernels.max(s.scores, from, end - from);
      s.sum[j] = RowKernels.softmax(s.scores, from, end - from, max, shape.scale(), s.partials);
    }
    mix(s, kept, pages, kvHead);
    int width = cache.layout().valueStride();
    for (int j = 0; j < kept; j++) {
      RowKernels.scale(s.mixed, s.mix[j], 1 / s.sum[j], width, s.mixed, s.mix[j]);
      System.arraycopy(s.mixed, s.mix[j], output.data(), s.result[j], shape.headDim());
    }
  }

  /**
   * Sums up values: pages that all four queries attend to for all at once, what a query has before
   * and after them for itself. Where windows begin, sums begin in memory at zero.
   */
  private void mix(Scratch s, int kept, int[] pages, int kvHead) {
    int begin = (s.first[QUERIES - 1] + PAGE - 1) / PAGE * PAGE;
    int common = Math.max(begin, s.length[0]);
    boolean windowed = begin > 0;
    if (windowed) {
      Arrays.fill(s.mixed, 0f);
      for (int j = 0; j < kept; j++) {
        mixRange(s, j, s.first[j], Math.min(begin, s.length[j]), pages, kvHead);
      }
    }
    for (int position = begin; position < common; position += PAGE) {
      int count = Math.min(PAGE, common - position);
      boolean fresh = !windowed && position == 0;
      mixAll(s, position, count, pages[position / PAGE], kvHead, fresh);
    }
    for (int j = 0; j < kept; j++) {
      mixRange(s, j, common, s.length[j], pages, kvHead);
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

  private void score(Scratch s, int firstPage, int[] pages, int kvHead) {
    int vectors = (s.length[QUERIES - 1] + Lanes.COUNT - 1) / Lanes.COUNT;
    for (int v = firstPage / Lanes.COUNT; v < vectors; v += 2) {
      int second = Math.min(v + 1, vectors - 1);
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
