package dev.weft.jobs.prepare;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Columns of prepared rows, as they lie in the run's folder: every input row once. */
public final class PreparedSchema {
  /** bigint, see {@link dev.weft.jobs.ingest.InputSet#rowKey}; orders rows as the input does. */
  public static final String ROW_KEY = "row_key";

  /** string, the file the row came from. */
  public static final String SOURCE_FILE = "source_file";

  /** bigint, its line (JSONL) or row number within the file (tables), from 1. */
  public static final String SOURCE_LINE = "source_line";

  /** string, null if the row has none. */
  public static final String ID = "id";

  /** binary, token ids of the prompt as little-endian int32; null with an error. */
  public static final String TOKENS = "tokens";

  /** int, number of token ids. */
  public static final String PROMPT_TOKENS = "prompt_tokens";

  /** int, tokens cut off the prompt so that it fits. */
  public static final String CUT_TOKENS = "cut_tokens";

  /**
   * string: {@code text}, {@code messages} or {@code token_ids}; null if the row could not be read.
   */
  public static final String PROMPT_KIND = "prompt_kind";

  /** struct of the sampling parameters; null with an error. */
  public static final String PARAMS = "params";

  /** string, equal for requests that have the same answer; null if the answer is the row's own. */
  public static final String REQUEST_KEY = "request_key";

  /** array of string, fields that have no effect. */
  public static final String IGNORED = "ignored_fields";

  /** string, null for a request that can run. */
  public static final String ERROR_CODE = "error_code";

  /** string, null for a request that can run. */
  public static final String ERROR_MESSAGE = "error_message";

  /** struct of the columns that are carried through, behind one field that is not used. */
  public static final String CARRIED = "carried";

  /**
   * bigint, hash of the row as it was in the input, and of its key: those of all rows combine to
   * one that tells inputs apart in whatever order they are read.
   */
  public static final String CONTENT_HASH = "content_hash";

  /** Fields of {@link #PARAMS}, in the order in which {@link PreparedRows} writes them. */
  public static final StructType PARAMS_TYPE =
      new StructType()
          .add("max_tokens", DataTypes.IntegerType, false)
          .add("temperature", DataTypes.DoubleType, false)
          .add("top_p", DataTypes.DoubleType, false)
          .add("top_k", DataTypes.IntegerType, false)
          .add("min_p", DataTypes.DoubleType, false)
          .add("repetition_penalty", DataTypes.DoubleType, false)
          .add("frequency_penalty", DataTypes.DoubleType, false)
          .add("presence_penalty", DataTypes.DoubleType, false)
          .add("stop", DataTypes.createArrayType(DataTypes.StringType, false), false)
          .add("seed", DataTypes.LongType, true)
          .add("n", DataTypes.IntegerType, false)
          .add("logprobs", DataTypes.IntegerType, true);

  private PreparedSchema() {}

  /** The schema for an input with these carried columns. */
  public static StructType of(StructType carried) {
    StructType behindMarker = new StructType().add("_", DataTypes.BooleanType, true);
    for (StructField field : carried.fields()) {
      behindMarker = behindMarker.add(field.name(), field.dataType(), true);
    }
    return new StructType()
        .add(ROW_KEY, DataTypes.LongType, false)
        .add(SOURCE_FILE, DataTypes.StringType, false)
        .add(SOURCE_LINE, DataTypes.LongType, false)
        .add(ID, DataTypes.StringType, true)
        .add(TOKENS, DataTypes.BinaryType, true)
        .add(PROMPT_TOKENS, DataTypes.IntegerType, false)
        .add(CUT_TOKENS, DataTypes.IntegerType, false)
        .add(PROMPT_KIND, DataTypes.StringType, true)
        .add(PARAMS, PARAMS_TYPE, true)
        .add(REQUEST_KEY, DataTypes.StringType, true)
        .add(IGNORED, DataTypes.createArrayType(DataTypes.StringType, false), false)
        .add(ERROR_CODE, DataTypes.StringType, true)
        .add(ERROR_MESSAGE, DataTypes.StringType, true)
        .add(CARRIED, behindMarker, true)
        .add(CONTENT_HASH, DataTypes.LongType, false);
  }

  /** Token ids as {@link #TOKENS} holds them. */
  public static byte[] encodeTokens(int[] tokens) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * tokens.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(tokens);
    return bytes.array();
  }

  /** Token ids from {@link #TOKENS}. */
  public static int[] decodeTokens(byte[] bytes) {
    int[] tokens = new int[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(tokens);
    return tokens;
  }
}
