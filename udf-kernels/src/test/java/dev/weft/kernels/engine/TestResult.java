package dev.weft.kernels.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * One row of results.
 *
 * @param answer the columns that may depend on the request alone, as one text to compare
 * @param columns all columns
 */
record TestResult(long row, int sample, String answer, Map<String, Object> columns) {
  private static final List<String> ANSWER =
      List.of(
          ResultSchema.ROW,
          ResultSchema.SAMPLE,
          ResultSchema.REQUEST_ID,
          ResultSchema.TEXT,
          ResultSchema.TOKENS,
          ResultSchema.FINISH_REASON,
          ResultSchema.STOP_REASON,
          ResultSchema.ERROR_CODE,
          ResultSchema.ERROR_MESSAGE,
          ResultSchema.CUMULATIVE_LOGPROB,
          ResultSchema.LOGPROBS,
          ResultSchema.PROMPT_TOKENS,
          ResultSchema.OUTPUT_TOKENS);

  static List<TestResult> of(VectorSchemaRoot root) {
    var results = new ArrayList<TestResult>();
    for (int i = 0; i < root.getRowCount(); i++) {
      var columns = new TreeMap<String, Object>();
      for (FieldVector vector : root.getFieldVectors()) {
        Object value = vector.getObject(i);
        columns.put(vector.getName(), value == null ? "null" : value);
      }
      var answer = new StringBuilder();
      for (String name : ANSWER) {
        answer.append(name).append('=').append(columns.get(name)).append('\n');
      }
      results.add(
          new TestResult(
              (Long) columns.get(ResultSchema.ROW),
              (Integer) columns.get(ResultSchema.SAMPLE),
              answer.toString(),
              columns));
    }
    return results;
  }

  String text() {
    return columns.get(ResultSchema.TEXT).toString();
  }

  String finishReason() {
    return columns.get(ResultSchema.FINISH_REASON).toString();
  }

  String stopReason() {
    return columns.get(ResultSchema.STOP_REASON).toString();
  }

  String errorCode() {
    return columns.get(ResultSchema.ERROR_CODE).toString();
  }

  int integer(String name) {
    return (Integer) columns.get(name);
  }

  double number(String name) {
    return (Double) columns.get(name);
  }

  int[] tokens() {
    return ((List<?>) columns.get(ResultSchema.TOKENS))
        .stream().mapToInt(token -> (Integer) token).toArray();
  }
}
