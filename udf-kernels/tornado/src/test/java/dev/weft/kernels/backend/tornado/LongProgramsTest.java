package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Blocks are texts here, of as many tasks as letters. */
class LongProgramsTest {
  private static final String EMBED = "e";
  private static final String ATTENTION = "attn";
  private static final String MLP = "mlp..";
  private static final String HEAD = "head";

  private static List<Integer> lengths(List<String> blocks, int mostTasks) {
    return LongPrograms.lengths(blocks, String::length, mostTasks);
  }

  private static List<String> step(int layers, List<String> layer, String... rest) {
    var blocks = new ArrayList<>(List.of(EMBED));
    blocks.addAll(Collections.nCopies(layers, layer).stream().flatMap(List::stream).toList());
    blocks.addAll(List.of(rest));
    return blocks;
  }

  @Test
  void layersAreCutIntoEqualPrograms() {
    List<String> layer = List.of(ATTENTION, MLP);
    assertThat(lengths(step(32, layer, HEAD), 64)).containsExactly(1, 8, 8, 8, 8, 8, 8, 8, 8, 1);
    // Not 7, which 30 layers could not be cut into.
    assertThat(lengths(step(30, layer, HEAD), 64)).containsExactly(1, 12, 12, 12, 12, 12, 1);
    assertThat(lengths(step(4, layer), 64)).containsExactly(1, 8);
    // A prime number of layers: still both blocks of a layer together.
    assertThat(lengths(step(11, layer), 64)).startsWith(1, 2, 2).hasSize(12);
    assertThat(lengths(step(4, List.of(MLP), HEAD, HEAD + "2"), 64)).containsExactly(1, 4, 1, 1);
  }

  @Test
  void otherBlocksStayAsTheyAre() {
    assertThat(lengths(List.of(), 64)).isEmpty();
    assertThat(lengths(step(1, List.of(ATTENTION, MLP), HEAD), 64)).containsExactly(1, 1, 1, 1);
    assertThat(lengths(List.of("a", "b", "c", "a", "b", "c"), 64)).containsOnly(1).hasSize(6);
    // Larger than a program may be.
    assertThat(lengths(step(2, List.of(ATTENTION, MLP)), 8)).containsExactly(1, 1, 1, 1, 1);
    assertThat(lengths(step(4, List.of(ATTENTION, MLP)), 9)).containsExactly(1, 2, 2, 2, 2);
  }

  /** As where the first layers have another format of weights, or a window. */
  @Test
  void runsFollowEachOther() {
    var blocks = new ArrayList<>(step(3, List.of("A", "B")));
    blocks.addAll(
        Collections.nCopies(2, List.of("A", "C")).stream().flatMap(List::stream).toList());
    assertThat(lengths(blocks, 64)).containsExactly(1, 6, 4);
  }

  @Test
  void aStepHasFewDifferentPrograms() {
    for (int layers = 1; layers <= 80; layers++) {
      List<String> blocks = step(layers, List.of(ATTENTION, MLP), HEAD);
      var programs = new HashSet<List<String>>();
      int first = 0;
      for (int length : lengths(blocks, 64)) {
        programs.add(blocks.subList(first, first + length));
        first += length;
      }
      assertThat(first).isEqualTo(blocks.size());
      assertThat(programs).hasSizeLessThanOrEqualTo(4);
      assertThat(programs).allMatch(p -> String.join("", p).length() <= 64);
    }
  }
}
