package dev.weft.jobs.sink;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.LedgerRows;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.types.CalendarIntervalType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Columns of the result table. The columns carried from the input come last. */
public final class ResultColumns {
  /** One answer of a request with {@code n} answers. */
  public static final StructType CHOICE_TYPE =
      new StructType()
          .add("index", DataTypes.IntegerType)
          .add("text", DataTypes.StringType)
          .add("finish_reason", DataTypes.StringType)
          .add("stop_reason", DataTypes.StringType)
          .add("cumulative_logprob", DataTypes.DoubleType)
          .add("logprobs", LedgerRows.LOGPROBS_TYPE);

  /** Why a row has no answer. */
  public static final StructType ERROR_TYPE =
      new StructType()
          .add("code", DataTypes.StringType)
          .add("category", DataTypes.StringType)
          .add("message", DataTypes.StringType)
          .add("hint", DataTypes.StringType);

  /** Columns that every result table has. */
  public static final StructType OWN =
      new StructType()
          .add("run_id", DataTypes.StringType)
          .add("id", DataTypes.StringType)
          .add("status", DataTypes.StringType)
          .add("text", DataTypes.StringType)
          .add("finish_reason", DataTypes.StringType)
          .add("choices", DataTypes.createArrayType(CHOICE_TYPE))
          .add("prompt_tokens", DataTypes.IntegerType)
          .add("shared_prompt_tokens", DataTypes.IntegerType)
          .add("output_tokens", DataTypes.IntegerType)
          .add("cut_prompt_tokens", DataTypes.IntegerType)
          .add("error", ERROR_TYPE)
          .add("answered_by_id", DataTypes.StringType)
          .add("source_file", DataTypes.StringType)
          .add("source_line", DataTypes.LongType)
          .add("row_key", DataTypes.LongType)
          .add("model_name", DataTypes.StringType)
          .add("model_sha256", DataTypes.StringType)
          .add("backend", DataTypes.StringType)
          .add("weft_version", DataTypes.StringType);

  private static final String FORBIDDEN = " ,;{}()\n\t=";

  private ResultColumns() {}

  /**
   * Names of carried columns in the result: their own, or {@code input_<name>} where that is taken.
   *
   * @throws WeftException if a column cannot be written to Delta
   */
  public static List<String> carriedNames(StructType carried) {
    Set<String> taken = new HashSet<>();
    for (String own : OWN.fieldNames()) {
      taken.add(own);
    }
    List<String> names = new ArrayList<>();
    for (StructField field : carried.fields()) {
      String name = field.name();
      if (name.chars().anyMatch(c -> FORBIDDEN.indexOf(c) >= 0 || Character.isISOControl(c))) {
        throw new WeftException(
            ErrorCode.INPUT_SCHEMA,
            "the column \"%s\" cannot be carried to the result: Delta names have no \"%s\""
                .formatted(name.replaceAll("\\p{Cntrl}", "?"), FORBIDDEN.strip()));
      }
      if (!storable(field.dataType())) {
        throw new WeftException(
            ErrorCode.INPUT_SCHEMA,
            "the column %s of type %s cannot be carried to the result: cast or drop it"
                .formatted(name, field.dataType().simpleString()));
      }
      // Delta does not tell upper and lower case apart.
      String free = taken.add(name.toLowerCase(Locale.ROOT)) ? name : "input_" + name;
      if (!free.equals(name) && !taken.add(free.toLowerCase(Locale.ROOT))) {
        throw new WeftException(
            ErrorCode.INPUT_SCHEMA,
            "the columns %s and %s cannot both be carried to the result".formatted(name, free));
      }
      names.add(free);
    }
    return names;
  }

  private static boolean storable(DataType type) {
    return !(type instanceof NullType) && !(type instanceof CalendarIntervalType);
  }
}
