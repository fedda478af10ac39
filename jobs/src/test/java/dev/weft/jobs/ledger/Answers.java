package dev.weft.jobs.ledger;

import dev.weft.kernels.engine.ResultSchema;
import java.io.IOException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;

/** Finished answers as an engine gives them. */
public final class Answers {
  private Answers() {}

  /** Adds one answer of 10 prompt tokens and 2 of its own. */
  public static void add(
      LedgerWriter writer, BufferAllocator allocator, long row, int sample, String text)
      throws IOException {
    try (VectorSchemaRoot batch = VectorSchemaRoot.create(ResultSchema.SCHEMA, allocator)) {
      batch.allocateNew();
      for (FieldVector vector : batch.getFieldVectors()) {
        switch (vector) {
          case IntVector ints -> ints.setSafe(0, 0);
          case Float8Vector doubles -> doubles.setSafe(0, 0.5);
          case VarCharVector texts -> texts.setSafe(0, "x".getBytes());
          case ListVector list -> {
            list.startNewValue(0);
            list.endValue(0, 0);
          }
          default -> {}
        }
      }
      ((BigIntVector) batch.getVector(ResultSchema.ROW)).setSafe(0, row);
      ((IntVector) batch.getVector(ResultSchema.SAMPLE)).setSafe(0, sample);
      ((IntVector) batch.getVector(ResultSchema.PROMPT_TOKENS)).setSafe(0, 10);
      ((IntVector) batch.getVector(ResultSchema.OUTPUT_TOKENS)).setSafe(0, 2);
      ((VarCharVector) batch.getVector(ResultSchema.TEXT)).setSafe(0, text.getBytes());
      ((VarCharVector) batch.getVector(ResultSchema.ERROR_CODE)).setNull(0);
      ((VarCharVector) batch.getVector(ResultSchema.ERROR_MESSAGE)).setNull(0);
      batch.setRowCount(1);
      writer.add(batch);
    }
  }
}
