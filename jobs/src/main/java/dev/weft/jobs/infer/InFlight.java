package dev.weft.jobs.infer;

import dev.weft.kernels.engine.ResultSchema;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.spark.sql.Row;

/** Rows that an engine was given and has not answered, in planned order. Not thread-safe. */
final class InFlight {
  private static final class Open {
    final Row row;
    int answers;

    Open(Row row) {
      this.row = row;
      this.answers = PlannedRows.answers(row);
    }
  }

  private final Map<Long, Open> rows = new LinkedHashMap<>();

  /** An engine is given a row. */
  void add(Row row) {
    rows.put(row.getLong(PlannedRows.ROW_KEY), new Open(row));
  }

  /** Takes note of what a batch of results answers. */
  void answered(VectorSchemaRoot results) {
    BigIntVector row = (BigIntVector) results.getVector(ResultSchema.ROW);
    FieldVector error = results.getVector(ResultSchema.ERROR_CODE);
    for (int i = 0; i < results.getRowCount(); i++) {
      Open open = rows.get(row.get(i));
      if (open != null && (--open.answers == 0 || !error.isNull(i))) {
        rows.remove(row.get(i));
      }
    }
  }

  boolean holds(long rowKey) {
    return rows.containsKey(rowKey);
  }

  int size() {
    return rows.size();
  }

  /** Takes out what has no answer. */
  List<Row> takeAll() {
    List<Row> left = new ArrayList<>(rows.size());
    rows.values().forEach(open -> left.add(open.row));
    rows.clear();
    return left;
  }
}
