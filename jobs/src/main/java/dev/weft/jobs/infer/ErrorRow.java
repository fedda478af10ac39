package dev.weft.jobs.infer;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.prepare.PreparedSchema;
import dev.weft.kernels.engine.ResultSchema;
import java.nio.charset.StandardCharsets;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.spark.sql.Row;

/** A batch of one result: the error of a request that no engine is given any more. */
final class ErrorRow {
  private ErrorRow() {}

  /** Columns of {@link ResultSchema}; the caller closes it. */
  static VectorSchemaRoot of(Row row, ErrorCode code, String message, BufferAllocator allocator) {
    VectorSchemaRoot batch = VectorSchemaRoot.create(ResultSchema.SCHEMA, allocator);
    for (FieldVector vector : batch.getFieldVectors()) {
      vector.allocateNew();
      switch (vector) {
        case IntVector ints -> ints.setSafe(0, 0);
        case Float8Vector doubles -> doubles.setSafe(0, 0);
        default -> {}
      }
    }
    ((BigIntVector) batch.getVector(ResultSchema.ROW)).setSafe(0, row.getLong(PlannedRows.ROW_KEY));
    ((IntVector) batch.getVector(ResultSchema.PROMPT_TOKENS))
        .setSafe(0, PreparedSchema.decodeTokens(row.<byte[]>getAs(PlannedRows.TOKENS)).length);
    ((Float8Vector) batch.getVector(ResultSchema.CUMULATIVE_LOGPROB)).setNull(0);
    ListVector tokens = (ListVector) batch.getVector(ResultSchema.TOKENS);
    tokens.startNewValue(0);
    tokens.endValue(0, 0);
    text(batch, ResultSchema.REQUEST_ID, row.getString(PlannedRows.ID));
    text(batch, ResultSchema.FINISH_REASON, "error");
    text(batch, ResultSchema.ERROR_CODE, code.name());
    text(batch, ResultSchema.ERROR_MESSAGE, message);
    text(batch, ResultSchema.ENERGY_SOURCE, "none");
    batch.setRowCount(1);
    return batch;
  }

  private static void text(VectorSchemaRoot batch, String column, String value) {
    ((VarCharVector) batch.getVector(column)).setSafe(0, value.getBytes(StandardCharsets.UTF_8));
  }
}
