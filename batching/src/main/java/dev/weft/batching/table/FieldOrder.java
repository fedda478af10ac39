package dev.weft.batching.table;

/**
 * In which order the rows of a table become prompts, and the fields within each.
 *
 * @param rows row numbers of the table, each once, in the order to run
 * @param columns for each place of {@code rows} the column numbers, each once, in the order to
 *     render; neighbours may share one array, which must not be changed
 * @param prefixHitCount sum over all rows but the first of the squared token lengths of the leading
 *     fields that equal those of the row before (PHC, arXiv 2403.05821)
 * @param chosenBy which order this is, for the report
 */
public record FieldOrder(int[] rows, int[][] columns, double prefixHitCount, Choice chosenBy) {
  /** Where an order comes from. */
  public enum Choice {
    /** Greedy group recursion. */
    GREEDY_GROUPS,
    /** The table as it came, because the greedy order had a lower prefix hit count. */
    AS_GIVEN
  }
}
