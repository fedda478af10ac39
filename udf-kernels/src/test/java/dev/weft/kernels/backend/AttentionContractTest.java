package dev.weft.kernels.backend;

import static dev.weft.kernels.backend.RandomTensors.activations;
import static dev.weft.kernels.backend.RandomTensors.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.within;

import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.model.RopeSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Rotation, storing and attention of every backend over pages in any order, against float64 over
 * plain arrays. Tolerance: scores of size up to s have errors of headDim 2^-24 s, which the
 * exponential makes relative errors of the shares; values are of size 1 and shares sum to 1, so
 * 1e-4 is ample for scores up to about 20. Stored as f16, an element is off by at most 2^-11 of
 * itself; as q8_0 by 1/254 of the largest of its block, here up to 0.02.
 */
class AttentionContractTest {
  private static final int LAYERS = 2;

  /** 0 for all positions; others end within, at and beyond pages of 16. */
  private static final int[] WINDOWS = {0, 1, 5, 16, 33};

  /** heads, kvHeads, headDim. */
  private static final int[][] SHAPES = {
    {4, 2, 8}, {3, 1, 64}, {6, 6, 16}, {8, 1, 20}, {5, 5, 80}, {9, 3, 64}, {2, 1, 128}
  };

  private static double tolerance(KvFormat format) {
    return switch (format) {
      case F32 -> 1e-4;
      case F16 -> 4e-3;
      case Q8_0 -> 8e-2;
    };
  }

  static List<Arguments> backendsAndShapes() {
    var cases = new ArrayList<Arguments>();
    for (var provider : TestedBackends.all()) {
      for (int[] shape : SHAPES) {
        cases.add(Arguments.of(provider.name(), shape[0], shape[1], shape[2], 0, KvFormat.F32));
      }
      for (int window : WINDOWS) {
        cases.add(Arguments.of(provider.name(), 6, 2, 20, window, KvFormat.F32));
      }
      for (KvFormat format : List.of(KvFormat.F16, KvFormat.Q8_0)) {
        cases.add(Arguments.of(provider.name(), 9, 3, 64, 0, format));
        cases.add(Arguments.of(provider.name(), 5, 5, 80, 0, format));
        cases.add(Arguments.of(provider.name(), 6, 2, 20, 17, format));
      }
    }
    return cases;
  }

  /**
   * Rows of queries, keys and values of one sequence before rotation; those before {@code from} are
   * computed by another sequence with which it shares pages.
   */
  private record Sequence(float[][] rows, int[] pages, int from) {
    Sequence(float[][] rows, int[] pages) {
      this(rows, pages, 0);
    }
  }

  @ParameterizedTest(name = "{0} {1}/{2} heads of {3}, window {4}, {5}")
  @MethodSource("backendsAndShapes")
  void isThatOfFloat64AndTheSameBitsInAnyChunks(
      String name, int heads, int kvHeads, int headDim, int window, KvFormat format) {
    long seed = 1000L * heads + headDim;
    System.out.println("seed " + seed);
    var make = new RandomTensors(new Random(seed), null);
    int query = 0;
    int key = Activations.padded(heads * headDim);
    int value = key + Activations.padded(kvHeads * headDim);
    int width = value + Activations.padded(kvHeads * headDim);
    var shape =
        new AttentionShape(
                heads, kvHeads, headDim, query, key, value, (float) (1 / Math.sqrt(headDim)))
            .withWindow(window);
    var ropeSpec =
        new RopeSpec(
            headDim % 3 == 0 ? RopeSpec.Layout.HALVES : RopeSpec.Layout.INTERLEAVED,
            headDim,
            10000f,
            new RopeSpec.Scaling.None());
    int[] lengths = {1, 15, 16, 17, 37, 70};
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < 40; i++) {
      ids.add(i);
    }
    Collections.shuffle(ids, make.random());
    var sequences = new ArrayList<Sequence>();
    for (int length : lengths) {
      float[][] rows = new float[length][];
      Arrays.setAll(rows, t -> make.values(width, 1.2));
      int[] pages = new int[(length + 15) / 16];
      Arrays.setAll(pages, i -> ids.removeLast());
      sequences.add(new Sequence(rows, pages));
    }

    float[][][] expected = new float[lengths.length][][];
    for (int s = 0; s < lengths.length; s++) {
      expected[s] = new float[lengths[s]][];
    }
    for (int threads : new int[] {1, 3}) {
      try (Backend backend = Backends.find(name).open(new BackendConfig(threads));
          KvCache kv =
              backend.openKv(new KvLayout(LAYERS, kvHeads, headDim, format), new KvConfig(40))) {
        for (int most : new int[] {1000, 1, 2, 5, 33}) {
          float[][][] out = run(backend, shape, ropeSpec, kv, sequences, most, make.random());
          for (int s = 0; s < lengths.length; s++) {
            for (int t = 0; t < lengths[s]; t++) {
              if (expected[s][t] == null) {
                expected[s][t] = out[s][t];
                double[] exact = exact(sequences.get(s), t, shape, ropeSpec);
                for (int i = 0; i < exact.length; i++) {
                  if (!(Math.abs(out[s][t][i] - exact[i]) <= tolerance(format))) {
                    fail(
                        "sequence %d token %d element %d: %s is not %s",
                        s, t, i, out[s][t][i], exact[i]);
                  }
                }
              }
              assertThat(Arrays.mismatch(out[s][t], expected[s][t]))
                  .as("sequence %d token %d, chunks of %d, %d threads", s, t, most, threads)
                  .isEqualTo(-1);
            }
          }
        }
      }
    }
  }

  /** Sequences of a prefix tree: alone, and in steps together, in any order. */
  @ParameterizedTest(name = "{0} {1}/{2} heads of {3}, window {4}, {5}")
  @MethodSource("backendsAndShapes")
  void sharedPrefixesGiveTheSameBits(
      String name, int heads, int kvHeads, int headDim, int window, KvFormat format) {
    sharedPrefixes(name, heads, kvHeads, headDim, window, format, 0);
  }

  static List<Arguments> backendsAndSharingShapes() {
    var cases = new ArrayList<Arguments>();
    for (var provider : TestedBackends.all()) {
      for (KvFormat format : KvFormat.values()) {
        cases.add(Arguments.of(provider.name(), 9, 3, 64, 0, format));
      }
      cases.add(Arguments.of(provider.name(), 6, 6, 16, 0, KvFormat.F32));
    }
    return cases;
  }

  /** The same where most sequences have many pages in common. */
  @ParameterizedTest(name = "{0} {1}/{2} heads of {3}, window {4}, {5}")
  @MethodSource("backendsAndSharingShapes")
  void longSharedPrefixesGiveTheSameBits(
      String name, int heads, int kvHeads, int headDim, int window, KvFormat format) {
    sharedPrefixes(name, heads, kvHeads, headDim, window, format, 9);
  }

  /**
   * @param pages of the first sequence, of which the others take all but one or two; 0 for any
   */
  private static void sharedPrefixes(
      String name, int heads, int kvHeads, int headDim, int window, KvFormat format, int pages) {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    var make = new RandomTensors(new Random(seed), null);
    int key = Activations.padded(heads * headDim);
    int value = key + Activations.padded(kvHeads * headDim);
    int width = value + Activations.padded(kvHeads * headDim);
    var shape =
        new AttentionShape(heads, kvHeads, headDim, 0, key, value, (float) (1 / Math.sqrt(headDim)))
            .withWindow(window);
    var ropeSpec =
        new RopeSpec(RopeSpec.Layout.HALVES, headDim / 2 * 2, 10000f, new RopeSpec.Scaling.None());
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < 90; i++) {
      ids.add(i);
    }
    Collections.shuffle(ids, make.random());
    var tree = new ArrayList<Sequence>();
    for (int s = 0; s < 12; s++) {
      Sequence parent = s == 0 ? null : tree.get(make.random().nextInt(s));
      int most = parent == null ? 0 : (parent.rows().length - 1) / KvConfig.PAGE_TOKENS;
      int shared = parent == null ? 0 : make.random().nextInt(most + 1);
      if (pages > 0 && parent != null) {
        shared = Math.max(shared, Math.min(most, pages - 1 - make.random().nextInt(2)));
      }
      int own = shared;
      int from = shared * KvConfig.PAGE_TOKENS;
      int least = s == 0 ? pages * KvConfig.PAGE_TOKENS : from;
      float[][] rows = new float[least + 1 + make.random().nextInt(s == 0 ? 70 : 50)][];
      Arrays.setAll(rows, t -> t < from ? parent.rows()[t] : make.values(width, 1.2));
      int[] table = new int[rows.length / KvConfig.PAGE_TOKENS + 1];
      Arrays.setAll(table, i -> i < own ? parent.pages()[i] : ids.removeLast());
      tree.add(new Sequence(rows, table, from));
    }
    try (Backend backend = Backends.find(name).open(new BackendConfig(2));
        KvCache kv =
            backend.openKv(new KvLayout(LAYERS, kvHeads, headDim, format), new KvConfig(90))) {
      float[][][] alone = new float[tree.size()][][];
      for (int s = 0; s < tree.size(); s++) {
        alone[s] = run(backend, shape, ropeSpec, kv, List.of(tree.get(s)), 33, make.random())[0];
      }
      var order = new ArrayList<Integer>();
      for (int s = 0; s < tree.size(); s++) {
        order.add(s);
      }
      for (int most : new int[] {1, 1, 1, 9}) {
        Collections.shuffle(order, make.random());
        List<Sequence> shuffled = order.stream().map(tree::get).toList();
        float[][][] out = run(backend, shape, ropeSpec, kv, shuffled, most, make.random());
        for (int i = 0; i < order.size(); i++) {
          int s = order.get(i);
          for (int t = tree.get(s).from(); t < out[i].length; t++) {
            assertThat(Arrays.mismatch(out[i][t], alone[s][t]))
                .as("sequence %d token %d, chunks of %d, seed %d", s, t, most, seed)
                .isEqualTo(-1);
          }
        }
      }
      for (int s = 0; s < tree.size(); s++) {
        int last = tree.get(s).rows().length - 1;
        double[] exact = exact(tree.get(s), last, shape, ropeSpec);
        for (int i = 0; i < exact.length; i++) {
          assertThat((double) alone[s][last][i]).isCloseTo(exact[i], within(tolerance(format)));
        }
      }
    }
  }

  /** Feeds all sequences in chunks of random length up to {@code most}, some in each step. */
  private static float[][][] run(
      Backend backend,
      AttentionShape shape,
      RopeSpec ropeSpec,
      KvCache kv,
      List<Sequence> sequences,
      int most,
      Random random) {
    var rope = new RopeTable(ropeSpec);
    int width = shape.heads() * shape.headDim();
    float[][][] result = new float[sequences.size()][][];
    int[] done = new int[sequences.size()];
    for (int s = 0; s < done.length; s++) {
      result[s] = new float[sequences.get(s).rows().length][];
      done[s] = sequences.get(s).from();
    }
    while (true) {
      var tokens = new RaggedTokens();
      var rows = new ArrayList<float[]>();
      var of = new ArrayList<int[]>();
      for (int s = 0; s < done.length; s++) {
        Sequence sequence = sequences.get(s);
        int left = sequence.rows().length - done[s];
        int count = Math.min(left, most == 1000 ? left : 1 + random.nextInt(most));
        if (count == 0) {
          continue;
        }
        tokens.beginSequence(sequence.pages());
        for (int i = 0; i < count; i++) {
          tokens.addToken(done[s]);
          rows.add(sequence.rows()[done[s]]);
          of.add(new int[] {s, done[s]++});
        }
      }
      if (rows.isEmpty()) {
        return result;
      }
      rope.cover(tokens.maxPosition());
      for (int layer = 0; layer < LAYERS; layer++) {
        Activations qkv = activations(backend, rows.toArray(float[][]::new));
        Activations out = backend.allocate(rows.size(), width);
        backend.ropeAndStore(qkv, shape, rope, tokens, kv, layer);
        backend.attention(qkv, shape, tokens, kv, layer, out);
        for (int r = 0; r < rows.size(); r++) {
          result[of.get(r)[0]][of.get(r)[1]] = row(out, r, width);
        }
      }
    }
  }

  private static double[] exact(Sequence sequence, int token, AttentionShape shape, RopeSpec rope) {
    int d = shape.headDim();
    double[] out = new double[shape.heads() * d];
    for (int h = 0; h < shape.heads(); h++) {
      int kvHead = h / shape.group();
      double[] q = rotated(sequence.rows()[token], shape.queryColumn() + h * d, d, token, rope);
      double[] score = new double[token + 1];
      double sum = 0;
      int first = shape.window() == 0 ? 0 : Math.max(0, token - shape.window() + 1);
      for (int p = first; p <= token; p++) {
        double[] k = rotated(sequence.rows()[p], shape.keyColumn() + kvHead * d, d, p, rope);
        double dot = 0;
        for (int i = 0; i < d; i++) {
          dot += q[i] * k[i];
        }
        score[p] = Math.exp(dot / Math.sqrt(d));
        sum += score[p];
      }
      for (int p = first; p <= token; p++) {
        for (int i = 0; i < d; i++) {
          out[h * d + i] +=
              score[p] / sum * sequence.rows()[p][shape.valueColumn() + kvHead * d + i];
        }
      }
    }
    return out;
  }

  private static double[] rotated(float[] row, int at, int d, int position, RopeSpec rope) {
    double[] out = new double[d];
    boolean halves = rope.layout() == RopeSpec.Layout.HALVES;
    for (int i = 0; i < d / 2; i++) {
      int a = halves ? i : 2 * i;
      int b = halves ? i + d / 2 : 2 * i + 1;
      double angle = position * Math.pow(rope.theta(), -2.0 * i / d);
      out[a] = row[at + a] * Math.cos(angle) - row[at + b] * Math.sin(angle);
      out[b] = row[at + a] * Math.sin(angle) + row[at + b] * Math.cos(angle);
    }
    return out;
  }
}
