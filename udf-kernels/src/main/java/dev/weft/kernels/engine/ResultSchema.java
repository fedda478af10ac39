package dev.weft.kernels.engine;

import static dev.weft.kernels.engine.ArrowFields.FLOAT32;
import static dev.weft.kernels.engine.ArrowFields.FLOAT64;
import static dev.weft.kernels.engine.ArrowFields.INT32;
import static dev.weft.kernels.engine.ArrowFields.INT64;
import static dev.weft.kernels.engine.ArrowFields.UTF8;
import static dev.weft.kernels.engine.ArrowFields.field;
import static dev.weft.kernels.engine.ArrowFields.list;
import static dev.weft.kernels.engine.ArrowFields.nullable;
import static dev.weft.kernels.engine.ArrowFields.nullableList;
import static dev.weft.kernels.engine.ArrowFields.struct;

import java.util.List;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Columns of a batch of results: one row for each request and sample, in the order in which they
 * finish. A request that cannot run gives one row, of sample 0.
 *
 * <p>{@code text} to {@code logprobs} depend only on request, model, seed and backend; what follows
 * depends on the run.
 */
public final class ResultSchema {
  /** int64, {@link RequestSchema#ROW}. */
  public static final String ROW = "row";

  /** int32, 0 to n-1. */
  public static final String SAMPLE = "sample";

  /** utf8, {@link RequestSchema#REQUEST_ID}. */
  public static final String REQUEST_ID = "request_id";

  /**
   * utf8, the answer, cut before the stop text; bytes that are not UTF-8 read U+FFFD; null with an
   * error.
   */
  public static final String TEXT = "text";

  /**
   * list of int32, all generated tokens, without a stop token or end-of-generation token; with a
   * stop text, up to the token that completed it; empty with an error.
   */
  public static final String TOKENS = "tokens";

  /** utf8, {@code stop}, {@code length} or {@code error}. */
  public static final String FINISH_REASON = "finish_reason";

  /**
   * utf8, what stopped the answer: the stop text, {@code eos} or {@code token:<id>}; null unless
   * {@code finish_reason} is {@code stop}.
   */
  public static final String STOP_REASON = "stop_reason";

  /** utf8, an {@link EngineError}; null for an answer. */
  public static final String ERROR_CODE = "error_code";

  /** utf8, what is wrong and how to fix it; null for an answer. */
  public static final String ERROR_MESSAGE = "error_message";

  /** float64, sum of the log-probabilities of {@code tokens}; null if they were not asked for. */
  public static final String CUMULATIVE_LOGPROB = "cumulative_logprob";

  /**
   * list of struct {@code (token int32, text utf8, logprob float32, top list of struct (token,
   * text, logprob))}, one for each of {@code tokens}, natural logarithms of the model's own
   * probabilities before penalties and temperature; {@code top} holds the most likely tokens, most
   * likely first; null if not asked for.
   */
  public static final String LOGPROBS = "logprobs";

  /** int32, tokens of the prompt. */
  public static final String PROMPT_TOKENS = "prompt_tokens";

  /** int32, those of the prompt whose keys and values were there already and were not computed. */
  public static final String SHARED_TOKENS = "shared_tokens";

  /** int32, generated tokens, stop tokens and end-of-generation tokens included. */
  public static final String OUTPUT_TOKENS = "output_tokens";

  /** int32, tokens computed again because the sequence had to give up its memory. */
  public static final String RECOMPUTED_TOKENS = "recomputed_tokens";

  /** float64, seconds from submission to the first step. */
  public static final String QUEUE_SECONDS = "queue_seconds";

  /** float64, seconds from the first step to the first generated token. */
  public static final String PREFILL_SECONDS = "prefill_seconds";

  /** float64, seconds from the first generated token to the last. */
  public static final String DECODE_SECONDS = "decode_seconds";

  /** float64, this sample's share of the energy of its steps, divided by the cost of its tokens. */
  public static final String ENERGY_JOULES = "energy_joules";

  /** utf8, where the joules come from: {@code nvml}, {@code rapl}, {@code estimate:<model>}. */
  public static final String ENERGY_SOURCE = "energy_source";

  /** The columns, in this order. */
  public static final Schema SCHEMA =
      new Schema(
          List.of(
              field(ROW, INT64),
              field(SAMPLE, INT32),
              field(REQUEST_ID, UTF8),
              nullable(TEXT, UTF8),
              list(TOKENS, INT32),
              field(FINISH_REASON, UTF8),
              nullable(STOP_REASON, UTF8),
              nullable(ERROR_CODE, UTF8),
              nullable(ERROR_MESSAGE, UTF8),
              nullable(CUMULATIVE_LOGPROB, FLOAT64),
              nullableList(
                  LOGPROBS,
                  struct(
                      "element",
                      field("token", INT32),
                      field("text", UTF8),
                      field("logprob", FLOAT32),
                      list(
                          "top",
                          struct(
                              "element",
                              field("token", INT32),
                              field("text", UTF8),
                              field("logprob", FLOAT32))))),
              field(PROMPT_TOKENS, INT32),
              field(SHARED_TOKENS, INT32),
              field(OUTPUT_TOKENS, INT32),
              field(RECOMPUTED_TOKENS, INT32),
              field(QUEUE_SECONDS, FLOAT64),
              field(PREFILL_SECONDS, FLOAT64),
              field(DECODE_SECONDS, FLOAT64),
              field(ENERGY_JOULES, FLOAT64),
              field(ENERGY_SOURCE, UTF8)));

  private ResultSchema() {}
}
