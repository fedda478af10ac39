package dev.weft.batching.table;

import dev.weft.batching.request.PlanningInterruptedException;
import java.util.Arrays;

/**
 * Orders the rows of a table, and the fields of each row, so that prompts rendered from it share
 * long prefixes: GGR, greedy group recursion (Liu et al., "Optimizing LLM Queries in Relational
 * Data Analytics Workloads", arXiv 2403.05821).
 *
 * <p>Among all values of all columns it takes the one with the highest hit count: the squared token
 * lengths of the value and of the values it determines, times the rows that have it less one. The
 * rows that have it become a group with these fields first; within the group the other columns are
 * ordered the same way, and so are the rows that are left over. One row and one column need no
 * choice. The lengths of determined values are squared like all others in the prefix hit count,
 * which the paper's listing leaves out. Beyond the {@link Limits}, columns are put in the order of
 * their statistics (mean squared length, times rows less distinct values) and rows are sorted by
 * them.
 *
 * <p>The order of fields is part of the prompt: it must be chosen before tokenization, and the
 * answers belong to the prompts with that order.
 */
public final class GreedyGroupRecursion {
  private final FieldTable table;
  private final Limits limits;

  /** By column: the columns it determines. */
  private final int[][] determined;

  private final int[] outRows;
  private final int[][] outColumns;
  private int out;

  /** By column and value id; all zero between uses. */
  private final int[][] counts;

  /**
   * How far to search before statistics decide.
   *
   * @param columnDepth most nested groups, each of which fixes at least one more column
   * @param groups most groups among the rows of one level, each of which scans the rows left over
   * @param leastHitCount least hit count of a group
   */
  public record Limits(int columnDepth, int groups, double leastHitCount) {
    public static final Limits DEFAULT = new Limits(16, 256, 1);

    public Limits {
      if (columnDepth < 0 || groups < 0) {
        throw new IllegalArgumentException(
            "limits must not be negative: columnDepth " + columnDepth + ", groups " + groups);
      }
    }
  }

  private GreedyGroupRecursion(FieldTable table, Limits limits) {
    this.table = table;
    this.limits = limits;
    int columns = table.columns();
    determined = new int[columns][];
    counts = new int[columns][];
    for (int column = 0; column < columns; column++) {
      int from = column;
      determined[column] =
          table.dependencies().stream()
              .filter(d -> d.from() == from && d.to() != from)
              .mapToInt(FunctionalDependency::to)
              .distinct()
              .toArray();
      counts[column] = new int[table.valueIds(column)];
    }
    outRows = new int[table.rows()];
    outColumns = new int[table.rows()][];
  }

  /**
   * The order found, or the table as it is if that has the higher prefix hit count.
   *
   * @throws PlanningInterruptedException if the thread is interrupted
   */
  public static FieldOrder order(FieldTable table, Limits limits) {
    int[] rows = new int[table.rows()];
    Arrays.setAll(rows, i -> i);
    int[] columns = new int[table.columns()];
    Arrays.setAll(columns, i -> i);
    int[][] asGiven = new int[rows.length][];
    Arrays.fill(asGiven, columns);
    double before = table.prefixHitCount(rows, asGiven);
    GreedyGroupRecursion greedy = new GreedyGroupRecursion(table, limits);
    greedy.arrange(rows.clone(), new int[0], columns, 0);
    double after = table.prefixHitCount(greedy.outRows, greedy.outColumns);
    return after >= before
        ? new FieldOrder(greedy.outRows, greedy.outColumns, after, FieldOrder.Choice.GREEDY_GROUPS)
        : new FieldOrder(rows, asGiven, before, FieldOrder.Choice.AS_GIVEN);
  }

  /**
   * Puts out the rows, which agree in the columns {@code first}.
   *
   * @param rest the other columns
   */
  private void arrange(int[] rows, int[] first, int[] rest, int depth) {
    int[] left = rows;
    for (int group = 0; left.length > 0; group++) {
      PlanningInterruptedException.check();
      boolean search = left.length > 1 && rest.length > 1;
      Value best =
          search && depth < limits.columnDepth() && group < limits.groups()
              ? bestValue(left, rest)
              : null;
      if (best == null || best.hitCount < limits.leastHitCount()) {
        byStatistics(left, first, rest);
        return;
      }
      int[] fixed = withDetermined(best.column, rest);
      int[] members = select(left, best, true);
      arrange(members, concat(first, fixed), without(rest, fixed), depth + 1);
      left = select(left, best, false);
    }
  }

  private record Value(int column, int id, double hitCount) {}

  /** The value with the highest hit count, the first found among equals. */
  private Value bestValue(int[] rows, int[] columns) {
    Value best = null;
    for (int column : columns) {
      int[] count = counts[column];
      for (int row : rows) {
        count[table.value(row, column)]++;
      }
      int[] fixed = withDetermined(column, columns);
      for (int row : rows) {
        int id = table.value(row, column);
        if (count[id] > 1) {
          double hitCount = (count[id] - 1) * squaredTokens(row, fixed);
          if (best == null || hitCount > best.hitCount) {
            best = new Value(column, id, hitCount);
          }
        }
        count[id] = 0;
      }
    }
    return best;
  }

  private double squaredTokens(int row, int[] columns) {
    double sum = 0;
    for (int column : columns) {
      double length = table.tokens(row, column);
      sum += length * length;
    }
    return sum;
  }

  /** Sorts the rows by the columns, those that promise most first. */
  private void byStatistics(int[] rows, int[] first, int[] rest) {
    int[] columns = rest;
    if (rows.length > 1 && rest.length > 1) {
      double[] score = new double[table.columns()];
      for (int column : rest) {
        score[column] = score(rows, column);
      }
      columns =
          Arrays.stream(rest)
              .boxed()
              .sorted((a, b) -> Double.compare(score[b], score[a]))
              .mapToInt(Integer::intValue)
              .toArray();
    }
    int[] all = concat(first, columns);
    for (int row : sortedBy(rows, columns)) {
      outRows[out] = row;
      outColumns[out++] = all;
    }
  }

  private double score(int[] rows, int column) {
    int[] count = counts[column];
    double squares = 0;
    int distinct = 0;
    for (int row : rows) {
      double length = table.tokens(row, column);
      squares += length * length;
      distinct += count[table.value(row, column)]++ == 0 ? 1 : 0;
    }
    for (int row : rows) {
      count[table.value(row, column)] = 0;
    }
    return squares / rows.length * (rows.length - distinct);
  }

  /** Stable: a counting sort by each column from the last to the first. */
  private int[] sortedBy(int[] rows, int[] columns) {
    int[] sorted = rows;
    for (int at = columns.length - 1; at >= 0 && rows.length > 1; at--) {
      int column = columns[at];
      int[] count = counts[column];
      int[] ids = new int[rows.length];
      int distinct = 0;
      for (int row : sorted) {
        int id = table.value(row, column);
        if (count[id]++ == 0) {
          ids[distinct++] = id;
        }
      }
      Arrays.sort(ids, 0, distinct);
      int end = 0;
      for (int i = 0; i < distinct; i++) {
        int start = end;
        end += count[ids[i]];
        count[ids[i]] = start;
      }
      int[] next = new int[rows.length];
      for (int row : sorted) {
        next[count[table.value(row, column)]++] = row;
      }
      for (int i = 0; i < distinct; i++) {
        count[ids[i]] = 0;
      }
      sorted = next;
    }
    return sorted;
  }

  private int[] select(int[] rows, Value value, boolean having) {
    int[] selected = new int[rows.length];
    int size = 0;
    for (int row : rows) {
      if ((table.value(row, value.column) == value.id) == having) {
        selected[size++] = row;
      }
    }
    return Arrays.copyOf(selected, size);
  }

  /** The column and those it determines, as far as they are among {@code columns}. */
  private int[] withDetermined(int column, int[] columns) {
    int[] result = new int[1 + determined[column].length];
    int size = 0;
    result[size++] = column;
    for (int other : determined[column]) {
      if (contains(columns, other)) {
        result[size++] = other;
      }
    }
    return Arrays.copyOf(result, size);
  }

  private static int[] without(int[] columns, int[] removed) {
    return Arrays.stream(columns).filter(column -> !contains(removed, column)).toArray();
  }

  private static boolean contains(int[] columns, int column) {
    for (int each : columns) {
      if (each == column) {
        return true;
      }
    }
    return false;
  }

  private static int[] concat(int[] a, int[] b) {
    int[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }
}
