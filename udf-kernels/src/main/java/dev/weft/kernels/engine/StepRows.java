package dev.weft.kernels.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rows of step metrics between the engine's thread and whichever reader takes them; each row is
 * taken once.
 */
final class StepRows {
  private static final Logger LOG = LoggerFactory.getLogger(StepRows.class);
  private static final int TAKEN_AT_ONCE = 4096;

  /** Steps of a run whose rows are all kept if the engine chooses; then half of them, and so on. */
  private static final long DENSE_STEPS = 4096;

  /** Rows that may wait: 20 MB. Readers take them long before. */
  private static final int CAPACITY = 100_000;

  private final int every;
  private final ArrayDeque<StepRow> rows = new ArrayDeque<>();
  private boolean dropped;

  /**
   * @param every {@link EngineConfig#stepMetricsEvery()}
   */
  StepRows(int every) {
    this.every = every;
  }

  /** Whether a step gives a row. */
  boolean wants(long step) {
    long interval = every > 0 ? every : Math.max(1, Long.highestOneBit(step) / (DENSE_STEPS / 2));
    return step % interval == 0;
  }

  synchronized void add(StepRow row) {
    if (rows.size() < CAPACITY) {
      rows.add(row);
    } else if (!dropped) {
      dropped = true;
      LOG.warn("step metrics are dropped: no stream of results takes them; totals stay exact");
    }
  }

  synchronized int size() {
    return rows.size();
  }

  /** Takes rows if there are at least that many. */
  synchronized List<StepRow> take(int least) {
    var taken = new ArrayList<StepRow>();
    if (rows.size() >= least) {
      while (!rows.isEmpty() && taken.size() < TAKEN_AT_ONCE) {
        taken.add(rows.poll());
      }
    }
    return taken;
  }
}
