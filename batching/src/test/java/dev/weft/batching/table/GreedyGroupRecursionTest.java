package dev.weft.batching.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.batching.request.PlanningInterruptedException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GreedyGroupRecursionTest {
  @Test
  void groupsTheLongestRepeatedValueFirst() {
    // Column 0: x y x with 3 and 1 tokens; column 1: p p q with 2 and 5 tokens.
    FieldTable table =
        new FieldTable(new int[][] {{0, 1, 0}, {0, 0, 1}}, new int[][] {{3, 1}, {2, 5}}, List.of());
    FieldOrder order = GreedyGroupRecursion.order(table, GreedyGroupRecursion.Limits.DEFAULT);
    assertThat(order.rows()).containsExactly(0, 2, 1);
    assertThat(order.columns()[0]).containsExactly(0, 1);
    assertThat(order.prefixHitCount()).as("x once more: 3 squared").isEqualTo(9);
    assertThat(table.prefixHitCount(new int[] {0, 1, 2}, repeat(3, 0, 1))).isZero();
    assertThat(table.prefixHitCount(new int[] {0, 1, 2}, repeat(3, 1, 0)))
        .as("p once more: 2 squared")
        .isEqualTo(4);
  }

  @Test
  void aValueBringsTheValuesItDetermines() {
    // City (4 tokens) determines country (2 tokens); the text of 10 tokens is different each time.
    int[][] values = {{0, 1, 2, 3}, {0, 0, 0, 0}, {0, 1, 0, 1}};
    int[][] tokens = {{10, 10, 10, 10}, {2}, {4, 4}};
    FieldTable table = new FieldTable(values, tokens, List.of()).withDetectedDependencies();
    assertThat(table.dependencies())
        .contains(new FunctionalDependency(2, 1))
        .doesNotContain(new FunctionalDependency(1, 2), new FunctionalDependency(2, 0));
    FieldOrder order = GreedyGroupRecursion.order(table, GreedyGroupRecursion.Limits.DEFAULT);
    assertThat(order.rows()).containsExactly(0, 2, 1, 3);
    assertThat(order.columns()).isDeepEqualTo(repeat(4, 2, 1, 0));
    assertThat(order.prefixHitCount()).as("two rows with 16 + 4").isEqualTo(40);
    assertThat(table.prefixHitCount(new int[] {0, 2, 1, 3}, repeat(4, 1, 2, 0)))
        .as("the greedy order is not the best: 3 x 4 + 2 x 16")
        .isEqualTo(44);
  }

  @Test
  void keepsEveryFieldOnceAndIsNeverWorseThanTheTableAsGiven() {
    int asGiven = 0;
    for (int round = 0; round < 400; round++) {
      long seed = 2_200 + round;
      String label = "seed " + seed;
      Random random = new Random(seed);
      FieldTable table = randomTable(random);
      GreedyGroupRecursion.Limits limits =
          round % 2 == 0
              ? GreedyGroupRecursion.Limits.DEFAULT
              : new GreedyGroupRecursion.Limits(random.nextInt(3), random.nextInt(4), 1);
      FieldOrder order = GreedyGroupRecursion.order(table, limits);
      int[] all = IntStream.range(0, table.columns()).toArray();
      assertThat(Arrays.stream(order.rows()).sorted().toArray())
          .as(label)
          .containsExactly(IntStream.range(0, table.rows()).toArray());
      assertThat(order.columns()).as(label).hasDimensions(table.rows(), table.columns());
      for (int[] columns : order.columns()) {
        assertThat(Arrays.stream(columns).sorted().toArray()).as(label).containsExactly(all);
      }
      double recount = table.prefixHitCount(order.rows(), order.columns());
      int[] rows = IntStream.range(0, table.rows()).toArray();
      double before = table.prefixHitCount(rows, repeat(table.rows(), all));
      assertThat(order.prefixHitCount()).as(label).isEqualTo(recount);
      assertThat(order.prefixHitCount()).as(label).isGreaterThanOrEqualTo(before);
      FieldOrder again = GreedyGroupRecursion.order(table, limits);
      assertThat(again.rows()).as(label).containsExactly(order.rows());
      asGiven += order.chosenBy() == FieldOrder.Choice.AS_GIVEN ? 1 : 0;
    }
    System.out.println("the table as given was better in " + asGiven + " of 400 tables");
    assertThat(asGiven).isLessThan(40);
  }

  private static FieldTable randomTable(Random random) {
    int rows = 1 + random.nextInt(40);
    int columns = 1 + random.nextInt(6);
    int[][] values = new int[columns][rows];
    int[][] tokens = new int[columns][];
    for (int column = 0; column < columns; column++) {
      int ids = 1 + random.nextInt(random.nextBoolean() ? 4 : rows);
      tokens[column] = random.ints(ids, 0, 60).toArray();
      boolean copies = column > 0 && random.nextInt(3) == 0;
      for (int row = 0; row < rows; row++) {
        values[column][row] = copies ? values[column - 1][row] % ids : random.nextInt(ids);
      }
    }
    FieldTable table = new FieldTable(values, tokens, List.of());
    return random.nextBoolean() ? table.withDetectedDependencies() : table;
  }

  @Test
  void oneColumnIsSortedAndNoRowsAreFine() {
    FieldTable column =
        new FieldTable(new int[][] {{2, 0, 2, 1, 0}}, new int[][] {{1, 2, 3}}, List.of());
    FieldOrder order = GreedyGroupRecursion.order(column, GreedyGroupRecursion.Limits.DEFAULT);
    assertThat(order.rows()).containsExactly(1, 4, 3, 0, 2);
    assertThat(order.prefixHitCount()).isEqualTo(1 + 9);
    FieldTable empty = new FieldTable(new int[1][0], new int[1][0], List.of());
    assertThat(GreedyGroupRecursion.order(empty, GreedyGroupRecursion.Limits.DEFAULT).rows())
        .isEmpty();
  }

  @Test
  void wrongTablesAreRefused() {
    assertThatThrownBy(
            () ->
                new FieldTable(
                    new int[][] {{0, 0}, {0, 1}},
                    new int[][] {{1}, {1, 1}},
                    List.of(new FunctionalDependency(0, 1))))
        .hasMessageContaining("does not hold: row 1");
    assertThatThrownBy(() -> new FieldTable(new int[][] {{0, 3}}, new int[][] {{1}}, List.of()))
        .hasMessageContaining("column 0, row 1: value id 3 has no length");
    assertThatThrownBy(() -> new FieldTable(new int[0][], new int[0][], List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void canBeInterrupted() {
    FieldTable table = randomTable(new Random(1));
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(
              () -> GreedyGroupRecursion.order(table, GreedyGroupRecursion.Limits.DEFAULT))
          .isInstanceOf(PlanningInterruptedException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  private static int[][] repeat(int rows, int... columns) {
    int[][] all = new int[rows][];
    Arrays.fill(all, columns);
    return all;
  }
}
