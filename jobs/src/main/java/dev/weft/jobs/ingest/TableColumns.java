package dev.weft.jobs.ingest;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.IntegralType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The columns of an input table, sorted by what they mean.
 *
 * @param prompts those of {@code prompt}, {@code messages}, {@code token_ids} that are there
 * @param sampling columns that are sampling parameters
 * @param carried all others; they go to the result as they are
 */
record TableColumns(List<String> prompts, List<StructField> sampling, StructType carried)
    implements Serializable {
  static final String ID = "id";
  static final String PROMPT = "prompt";
  static final String MESSAGES = "messages";
  static final String TOKEN_IDS = "token_ids";

  private static final Set<String> NUMBERS =
      Set.of(
          "max_tokens",
          "max_completion_tokens",
          "temperature",
          "top_p",
          "top_k",
          "min_p",
          "repetition_penalty",
          "frequency_penalty",
          "presence_penalty",
          "seed",
          "n",
          "top_logprobs");

  /** Sorts the columns of {@code schema} or says which one is missing or of the wrong type. */
  static TableColumns of(StructType schema) {
    List<String> prompts = new ArrayList<>();
    List<StructField> sampling = new ArrayList<>();
    List<StructField> carried = new ArrayList<>();
    boolean hasId = false;
    for (StructField field : schema.fields()) {
      DataType type = field.dataType();
      switch (field.name()) {
        case ID -> {
          hasId = true;
          require(
              type instanceof StringType || type instanceof IntegralType,
              field,
              "string or integer");
        }
        case PROMPT -> {
          require(type instanceof StringType, field, "string");
          prompts.add(PROMPT);
        }
        case MESSAGES -> {
          require(isMessages(type), field, "array<struct<role: string, content: string>>");
          prompts.add(MESSAGES);
        }
        case TOKEN_IDS -> {
          require(
              type instanceof ArrayType array
                  && (array.elementType().equals(DataTypes.IntegerType)
                      || array.elementType().equals(DataTypes.LongType)),
              field,
              "array<int>");
          prompts.add(TOKEN_IDS);
        }
        case "stop" -> {
          require(
              type instanceof StringType
                  || (type instanceof ArrayType array && array.elementType() instanceof StringType),
              field,
              "string or array<string>");
          sampling.add(field);
        }
        case "logprobs" -> {
          require(
              type instanceof BooleanType || type instanceof IntegralType,
              field,
              "boolean or integer");
          sampling.add(field);
        }
        default -> {
          if (NUMBERS.contains(field.name())) {
            require(type instanceof NumericType, field, "a number");
            sampling.add(field);
          } else {
            carried.add(field);
          }
        }
      }
    }
    if (!hasId) {
      throw new WeftException(ErrorCode.INPUT_SCHEMA, "the input has no column id" + has(schema));
    }
    if (prompts.isEmpty()) {
      throw new WeftException(
          ErrorCode.INPUT_SCHEMA,
          "the input has none of the columns prompt, messages and token_ids" + has(schema));
    }
    return new TableColumns(prompts, sampling, new StructType(carried.toArray(StructField[]::new)));
  }

  private static String has(StructType schema) {
    return "; it has " + String.join(", ", schema.fieldNames());
  }

  private static void require(boolean holds, StructField field, String wanted) {
    if (!holds) {
      throw new WeftException(
          ErrorCode.INPUT_SCHEMA,
          "the column %s is of type %s and must be %s"
              .formatted(field.name(), field.dataType().simpleString(), wanted));
    }
  }

  private static boolean isMessages(DataType type) {
    if (!(type instanceof ArrayType array)
        || !(array.elementType() instanceof StructType message)) {
      return false;
    }
    List<String> names = List.of(message.fieldNames());
    return names.contains("role")
        && names.contains("content")
        && message.apply("role").dataType() instanceof StringType
        && message.apply("content").dataType() instanceof StringType;
  }
}
