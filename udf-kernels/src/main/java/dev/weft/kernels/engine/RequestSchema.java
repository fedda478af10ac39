package dev.weft.kernels.engine;

import static dev.weft.kernels.engine.ArrowFields.BOOL;
import static dev.weft.kernels.engine.ArrowFields.FLOAT32;
import static dev.weft.kernels.engine.ArrowFields.INT32;
import static dev.weft.kernels.engine.ArrowFields.INT64;
import static dev.weft.kernels.engine.ArrowFields.INT8;
import static dev.weft.kernels.engine.ArrowFields.UTF8;
import static dev.weft.kernels.engine.ArrowFields.field;
import static dev.weft.kernels.engine.ArrowFields.list;
import static dev.weft.kernels.engine.ArrowFields.nullable;

import java.util.List;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Columns of a batch of requests. Rows are in planned order. Columns may come in any order; further
 * columns are ignored.
 *
 * <p>A column of the wrong type, or a missing one, fails the whole batch; a value out of range
 * makes an error row of its request.
 */
public final class RequestSchema {
  /** int64, unique among the requests of a run: the number by which results are joined. */
  public static final String ROW = "row";

  /** utf8, the user's id; with the job seed it makes the random stream. */
  public static final String REQUEST_ID = "request_id";

  /** list of int32, the prompt, at least one token; special tokens included. */
  public static final String TOKENS = "tokens";

  /** int8, ordinal of {@code dev.weft.batching.request.Side}: 0 compute, 1 memory. */
  public static final String SIDE = "side";

  /** int32, expected tokens of one answer, at least 0. Affects order and memory, never answers. */
  public static final String ESTIMATED_OUTPUT_TOKENS = "estimated_output_tokens";

  /**
   * list of int32, ascending: lengths of one answer of equal probability, at most {@link
   * dev.weft.batching.request.OutputDistribution#MOST_POINTS}; empty where only the estimate is
   * known. Affects order and memory, never answers.
   */
  public static final String OUTPUT_LENGTHS = "output_lengths";

  /** int32, most tokens of one answer, at least 1. */
  public static final String MAX_TOKENS = "max_tokens";

  /** float32, see {@link dev.weft.kernels.sampling.SamplingParams}; so the next six. */
  public static final String TEMPERATURE = "temperature";

  /** float32. */
  public static final String TOP_P = "top_p";

  /** int32. */
  public static final String TOP_K = "top_k";

  /** float32. */
  public static final String MIN_P = "min_p";

  /** float32. */
  public static final String REPETITION_PENALTY = "repetition_penalty";

  /** float32. */
  public static final String FREQUENCY_PENALTY = "frequency_penalty";

  /** float32. */
  public static final String PRESENCE_PENALTY = "presence_penalty";

  /** int64, null for a stream made from job seed and request id. */
  public static final String SEED = "seed";

  /** int32, number of answers, 1 to {@link #MAX_N}. */
  public static final String N = "n";

  /** list of utf8, texts that end an answer and are not part of it; at most {@link #MAX_STOPS}. */
  public static final String STOP = "stop";

  /** list of int32, tokens that end an answer and are not part of it. */
  public static final String STOP_TOKEN_IDS = "stop_token_ids";

  /**
   * int32, null for no log-probabilities, else how many alternatives, 0 to {@link #MAX_LOGPROBS}.
   */
  public static final String LOGPROBS = "logprobs";

  /** bool, whether to go on after an end-of-generation token (benchmarks of fixed length). */
  public static final String IGNORE_EOS = "ignore_eos";

  public static final int MAX_N = 128;
  public static final int MAX_STOPS = 64;
  public static final int MAX_LOGPROBS = 20;

  /** The columns, in this order. */
  public static final Schema SCHEMA =
      new Schema(
          List.of(
              field(ROW, INT64),
              field(REQUEST_ID, UTF8),
              list(TOKENS, INT32),
              field(SIDE, INT8),
              field(ESTIMATED_OUTPUT_TOKENS, INT32),
              list(OUTPUT_LENGTHS, INT32),
              field(MAX_TOKENS, INT32),
              field(TEMPERATURE, FLOAT32),
              field(TOP_P, FLOAT32),
              field(TOP_K, INT32),
              field(MIN_P, FLOAT32),
              field(REPETITION_PENALTY, FLOAT32),
              field(FREQUENCY_PENALTY, FLOAT32),
              field(PRESENCE_PENALTY, FLOAT32),
              nullable(SEED, INT64),
              field(N, INT32),
              list(STOP, UTF8),
              list(STOP_TOKEN_IDS, INT32),
              nullable(LOGPROBS, INT32),
              field(IGNORE_EOS, BOOL)));

  private RequestSchema() {}
}
