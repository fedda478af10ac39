package dev.weft.kernels.engine;

import static dev.weft.kernels.engine.ArrowFields.FLOAT64;
import static dev.weft.kernels.engine.ArrowFields.INT32;
import static dev.weft.kernels.engine.ArrowFields.INT64;
import static dev.weft.kernels.engine.ArrowFields.TIMESTAMP_MICROS_UTC;
import static dev.weft.kernels.engine.ArrowFields.UTF8;
import static dev.weft.kernels.engine.ArrowFields.field;
import static dev.weft.kernels.engine.ArrowFields.nullable;

import java.util.List;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Columns of a batch of step metrics: one row for every {@link EngineConfig#stepMetricsEvery()}-th
 * step, of that step alone. Each row comes out of exactly one stream. Exact sums over all steps are
 * in {@link EngineTotals}.
 */
public final class StepSchema {
  /** int64, number of the step in this engine, from 0. */
  public static final String STEP = "step";

  /** timestamp in microseconds, UTC. */
  public static final String STARTED_AT = "started_at";

  /**
   * float64, time of scheduling, forward pass and sampling, and of taking requests and giving
   * results since the step before.
   */
  public static final String SECONDS = "seconds";

  /** float64, time the cost model predicted; null without one. */
  public static final String PREDICTED_SECONDS = "predicted_seconds";

  /** int32, prompt tokens computed, those computed again after a preemption included. */
  public static final String PREFILL_TOKENS = "prefill_tokens";

  /** int32, tokens computed that were generated before. */
  public static final String DECODE_TOKENS = "decode_tokens";

  /** int32, tokens whose logits were computed. */
  public static final String LOGIT_TOKENS = "logit_tokens";

  /** int64, query-key pairs of prompt tokens under the causal mask. */
  public static final String PREFILL_PAIRS = "prefill_pairs";

  /** int64, tokens whose keys and values were read, summed over the sequences. */
  public static final String KV_TOKENS_READ = "kv_tokens_read";

  /** int32, computed tokens of requests of the compute side. */
  public static final String COMPUTE_SIDE_TOKENS = "compute_side_tokens";

  /** int32, computed tokens of requests of the memory side. */
  public static final String MEMORY_SIDE_TOKENS = "memory_side_tokens";

  /** int32, prompt tokens of sequences admitted in this step that were there already. */
  public static final String SHARED_TOKENS = "shared_tokens";

  /** int32, tokens computed again after a preemption. */
  public static final String RECOMPUTED_TOKENS = "recomputed_tokens";

  /** int32, sequences that run. */
  public static final String RUNNING_SEQUENCES = "running_sequences";

  /** int32, sequences that wait in the engine. */
  public static final String WAITING_SEQUENCES = "waiting_sequences";

  /** int32, KV pages that running sequences hold, shared ones once. */
  public static final String KV_PAGES_USED = "kv_pages_used";

  /** int32, KV pages of the pool. */
  public static final String KV_PAGES_TOTAL = "kv_pages_total";

  /** int32, sequences that had to give up their pages in this step. */
  public static final String PREEMPTIONS = "preemptions";

  /** int32, KV pages of admitted sequences that were there already. */
  public static final String PREFIX_HITS = "prefix_hits";

  /** int32, admitted sequences. */
  public static final String PREFIX_LOOKUPS = "prefix_lookups";

  /** float64, energy of the step. */
  public static final String ENERGY_JOULES = "energy_joules";

  /** utf8, where the joules come from. */
  public static final String ENERGY_SOURCE = "energy_source";

  /** The columns, in this order. */
  public static final Schema SCHEMA =
      new Schema(
          List.of(
              field(STEP, INT64),
              field(STARTED_AT, TIMESTAMP_MICROS_UTC),
              field(SECONDS, FLOAT64),
              nullable(PREDICTED_SECONDS, FLOAT64),
              field(PREFILL_TOKENS, INT32),
              field(DECODE_TOKENS, INT32),
              field(LOGIT_TOKENS, INT32),
              field(PREFILL_PAIRS, INT64),
              field(KV_TOKENS_READ, INT64),
              field(COMPUTE_SIDE_TOKENS, INT32),
              field(MEMORY_SIDE_TOKENS, INT32),
              field(SHARED_TOKENS, INT32),
              field(RECOMPUTED_TOKENS, INT32),
              field(RUNNING_SEQUENCES, INT32),
              field(WAITING_SEQUENCES, INT32),
              field(KV_PAGES_USED, INT32),
              field(KV_PAGES_TOTAL, INT32),
              field(PREEMPTIONS, INT32),
              field(PREFIX_HITS, INT32),
              field(PREFIX_LOOKUPS, INT32),
              field(ENERGY_JOULES, FLOAT64),
              field(ENERGY_SOURCE, UTF8)));

  private StepSchema() {}
}
