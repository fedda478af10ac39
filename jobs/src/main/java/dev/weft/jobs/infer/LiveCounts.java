package dev.weft.jobs.infer;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the tasks of this process have finished, before it is in the ledger. In local mode the
 * driver reads it for a smooth progress line; on a cluster it stays empty there and the ledger is
 * counted instead.
 */
public final class LiveCounts {
  private static final ConcurrentMap<String, LiveCounts> RUNS = new ConcurrentHashMap<>();

  /** Results finished: one for each request and sample. */
  public final LongAdder results = new LongAdder();

  /** Their prompt tokens. */
  public final LongAdder promptTokens = new LongAdder();

  /** Those that were in the KV cache. */
  public final LongAdder sharedTokens = new LongAdder();

  /** Their generated tokens. */
  public final LongAdder outputTokens = new LongAdder();

  private LiveCounts() {}

  /** The counts of a run's start in this process. */
  public static LiveCounts of(String key) {
    return RUNS.computeIfAbsent(key, k -> new LiveCounts());
  }

  /** Forgets a run. */
  public static void drop(String key) {
    RUNS.remove(key);
  }
}
