package dev.weft.batching.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A table whose rows are to be rendered as prompts, one field per column, each field with its name:
 * two fields are equal if they are of the same column and have the same value.
 *
 * <p>Immutable; arrays are kept, not copied, and must not be changed.
 */
public final class FieldTable {
  private final int rows;
  private final int[][] values;
  private final int[][] tokens;
  private final List<FunctionalDependency> dependencies;

  /**
   * @param values shape {@code [column][row]}: value ids, for each column numbered from 0
   * @param tokens shape {@code [column][value id]}: length of the rendered field in tokens
   * @param dependencies functional dependencies that are known to hold; see {@link
   *     #withDetectedDependencies}
   * @throws IllegalArgumentException if columns differ in length, an id has no length, a length is
   *     negative, or a dependency does not hold
   */
  public FieldTable(int[][] values, int[][] tokens, List<FunctionalDependency> dependencies) {
    this.values = values;
    this.tokens = tokens;
    this.dependencies = List.copyOf(dependencies);
    rows = values.length == 0 ? 0 : values[0].length;
    if (values.length == 0 || tokens.length != values.length) {
      throw new IllegalArgumentException(
          values.length + " columns of values and " + tokens.length + " of lengths: need as many");
    }
    for (int column = 0; column < values.length; column++) {
      checkColumn(column);
    }
    for (FunctionalDependency dependency : dependencies) {
      int row = rowAgainst(dependency);
      if (row >= 0) {
        throw new IllegalArgumentException(
            dependency + " does not hold: row " + row + " disagrees with a row before it");
      }
    }
  }

  private void checkColumn(int column) {
    if (values[column].length != rows) {
      throw new IllegalArgumentException(
          "column %d has %d rows, column 0 has %d".formatted(column, values[column].length, rows));
    }
    for (int row = 0; row < rows; row++) {
      int value = values[column][row];
      if (value < 0 || value >= tokens[column].length || tokens[column][value] < 0) {
        throw new IllegalArgumentException(
            "column %d, row %d: value id %d has no length".formatted(column, row, value));
      }
    }
  }

  /** The same table with all functional dependencies between two columns that its rows obey. */
  public FieldTable withDetectedDependencies() {
    List<FunctionalDependency> found = new ArrayList<>();
    for (int from = 0; from < values.length; from++) {
      for (int to = 0; to < values.length; to++) {
        FunctionalDependency dependency = new FunctionalDependency(from, to);
        if (from != to && rowAgainst(dependency) < 0) {
          found.add(dependency);
        }
      }
    }
    return new FieldTable(values, tokens, found);
  }

  /** First row that breaks a dependency; -1 if it holds. */
  private int rowAgainst(FunctionalDependency dependency) {
    int[] from = values[dependency.from()];
    int[] to = values[dependency.to()];
    int[] determined = new int[tokens[dependency.from()].length];
    Arrays.fill(determined, -1);
    for (int row = 0; row < rows; row++) {
      int before = determined[from[row]];
      if (before >= 0 && before != to[row]) {
        return row;
      }
      determined[from[row]] = to[row];
    }
    return -1;
  }

  public int rows() {
    return rows;
  }

  public int columns() {
    return values.length;
  }

  /** Value id of a field. */
  public int value(int row, int column) {
    return values[column][row];
  }

  /** Number of value ids of a column. */
  int valueIds(int column) {
    return tokens[column].length;
  }

  /** Tokens of a rendered field. */
  public int tokens(int row, int column) {
    return tokens[column][values[column][row]];
  }

  public List<FunctionalDependency> dependencies() {
    return dependencies;
  }

  /**
   * Prefix hit count of an order: for each row but the first, the leading fields that are the same
   * in the row before (same column, same value) count the square of their tokens each.
   *
   * @param order row numbers
   * @param columns column numbers for each place of {@code order}
   */
  public double prefixHitCount(int[] order, int[][] columns) {
    double hits = 0;
    for (int i = 1; i < order.length; i++) {
      for (int at = 0; at < values.length; at++) {
        int column = columns[i][at];
        if (columns[i - 1][at] != column
            || values[column][order[i - 1]] != values[column][order[i]]) {
          break;
        }
        double length = tokens(order[i], column);
        hits += length * length;
      }
    }
    return hits;
  }
}
