package dev.weft.jobs.ledger;

import dev.weft.kernels.engine.ResultSchema;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Which answers of which requests are in the ledger: what a task that is tried again need not run.
 */
public final class FinishedSamples {
  private final Map<Long, BitSet> samples = new HashMap<>();

  private FinishedSamples() {}

  /** What the starts up to now have finished. */
  public static FinishedSamples read(FileSystem fs, Path folder) throws IOException {
    FinishedSamples finished = new FinishedSamples();
    List<Piece> pieces = Ledger.list(fs, folder, PieceName.Kind.RESULTS);
    try (BufferAllocator allocator = new RootAllocator()) {
      for (Piece piece : pieces) {
        byte[] bytes = Ledger.read(fs, piece);
        if (bytes != null) {
          finished.add(bytes, allocator);
        }
      }
    }
    return finished;
  }

  /** Whether a request with {@code n} answers has all of them, or an error. */
  public boolean holds(long rowKey, int n) {
    BitSet found = samples.get(rowKey);
    return found != null && found.cardinality() >= n;
  }

  private void add(byte[] piece, BufferAllocator allocator) throws IOException {
    try (ArrowStreamReader reader =
        new ArrowStreamReader(new ByteArrayInputStream(piece), allocator)) {
      VectorSchemaRoot batch = reader.getVectorSchemaRoot();
      while (reader.loadNextBatch()) {
        BigIntVector row = (BigIntVector) batch.getVector(ResultSchema.ROW);
        IntVector sample = (IntVector) batch.getVector(ResultSchema.SAMPLE);
        FieldVector error = batch.getVector(ResultSchema.ERROR_CODE);
        for (int i = 0; i < batch.getRowCount(); i++) {
          BitSet found = samples.computeIfAbsent(row.get(i), key -> new BitSet());
          if (error.isNull(i)) {
            found.set(sample.get(i));
          } else {
            found.set(0, 128);
          }
        }
      }
    }
  }
}
