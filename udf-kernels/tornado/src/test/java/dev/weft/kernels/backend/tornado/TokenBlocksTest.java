package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.RaggedTokens;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenBlocksTest {
  /** Pages of a sequence that has {@code shared} pages of its parent's. */
  private static int[] pages(int[] parent, int shared, int count, int firstOwn) {
    int[] pages = new int[count];
    Arrays.setAll(pages, i -> i < shared ? parent[i] : firstOwn + i);
    return pages;
  }

  @Test
  void everyTokenIsInOneBlockWhosePagesAreCommon() {
    long seed = new Random().nextLong();
    System.out.println("TokenBlocksTest seed " + seed);
    var random = new Random(seed);
    var blocks = new TokenBlocks();
    int shared = 0;
    for (int round = 0; round < 500; round++) {
      var step = new RaggedTokens();
      int sequences = 1 + random.nextInt(30);
      int[] root = pages(new int[0], 0, 20, 0);
      for (int s = 0; s < sequences; s++) {
        int[] pages = pages(root, random.nextInt(20), 20, 100 * (s + 1));
        if (random.nextInt(3) == 0) {
          root = pages;
        }
        step.beginSequence(pages);
        int count = random.nextBoolean() ? 1 : random.nextInt(30);
        int from = random.nextInt(20 * KvConfig.PAGE_TOKENS - count);
        for (int t = 0; t < count; t++) {
          step.addToken(from + t);
        }
      }
      int most = 1 + random.nextInt(16);
      blocks.cut(step, most);
      boolean[] seen = new boolean[step.tokens()];
      for (int b = 0; b < blocks.count(); b++) {
        int size = blocks.begin(b + 1) - blocks.begin(b);
        assertThat(size).isBetween(1, most);
        int common = blocks.common(b);
        assertThat(common % AttentionKernels.GROUP).isZero();
        int first = blocks.tokens()[blocks.begin(b)];
        for (int i = blocks.begin(b); i < blocks.begin(b + 1); i++) {
          int token = blocks.tokens()[i];
          assertThat(seen[token]).isFalse();
          seen[token] = true;
          assertThat(step.position(token) + 1).isGreaterThanOrEqualTo(common);
          int[] own = step.pages(step.sequenceOf(token));
          int[] others = step.pages(step.sequenceOf(first));
          int samePages = common / KvConfig.PAGE_TOKENS;
          assertThat(Arrays.mismatch(own, 0, samePages, others, 0, samePages))
              .as("seed %d round %d block %d", seed, round, b)
              .isEqualTo(-1);
          shared += step.sequenceOf(token) != step.sequenceOf(first) ? common : 0;
        }
      }
      assertThat(seen).doesNotContain(false);
    }
    assertThat(shared).isPositive();
  }

  @Test
  void sequencesOfOnePrefixShareItWhateverTheirOrder() {
    int[] one = pages(new int[0], 0, 10, 0);
    int[] other = pages(new int[0], 0, 10, 50);
    var step = new RaggedTokens();
    for (int s = 0; s < 8; s++) {
      step.beginSequence(pages(s % 2 == 0 ? one : other, 8, 10, 100 * (s + 1)));
      step.addToken(140 + s);
    }
    var blocks = new TokenBlocks();
    blocks.cut(step, 4);
    assertThat(blocks.count()).isEqualTo(2);
    assertThat(blocks.common(0)).isEqualTo(128);
    assertThat(blocks.common(1)).isEqualTo(128);
    assertThat(Arrays.copyOf(blocks.tokens(), 8)).containsExactly(0, 2, 4, 6, 1, 3, 5, 7);
    blocks.cut(step, 1);
    assertThat(blocks.count()).isEqualTo(8);
  }

  @Test
  void aPromptIsCutInOrder() {
    var step = new RaggedTokens();
    step.beginSequence(pages(new int[0], 0, 10, 0));
    for (int t = 60; t < 70; t++) {
      step.addToken(t);
    }
    var blocks = new TokenBlocks();
    blocks.cut(step, 4);
    assertThat(blocks.count()).isEqualTo(3);
    // Of tokens 60 to 63 only the last has 64 positions.
    assertThat(blocks.common(0)).isZero();
    assertThat(blocks.common(1)).isEqualTo(64);
    assertThat(blocks.begin(3) - blocks.begin(2)).isEqualTo(2);
  }
}
