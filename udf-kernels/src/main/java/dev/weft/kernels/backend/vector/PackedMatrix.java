package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.memory.OffHeap;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A matrix in groups of {@link Lanes#COUNT} rows, {@code [group][bytes of the format]}; rows that
 * fill the last groups up to a multiple of {@link Activations#PAD} are zero.
 */
record PackedMatrix(PackedFormat format, int columns, int groups, long groupBytes, OffHeap memory) {
  private static final Logger LOG = LoggerFactory.getLogger(PackedMatrix.class);

  /** Repacks a matrix; one without a kernel of its own, or with non-finite values, becomes f32. */
  static PackedMatrix pack(Tensor tensor, MemoryBudget budget, WorkerPool pool) {
    PackedFormat format = formatOf(tensor.format());
    if (format == null) {
      LOG.warn(
          "no vector kernel for {}: tensor {} is held as f32, which takes more memory and time",
          tensor.format(),
          tensor.name());
      return decoded(tensor, budget, pool);
    }
    var finite = new AtomicBoolean(true);
    PackedMatrix packed = empty(tensor, format, budget);
    pool.forEach(
        tensor.rows(),
        (row, worker) -> {
          long group = row / Lanes.COUNT * packed.groupBytes;
          long from = row * tensor.rowBytes();
          int lane = row % Lanes.COUNT;
          if (!format.pack(tensor.data(), from, tensor.columns(), packed.data(), group, lane)) {
            finite.set(false);
          }
        });
    if (!finite.get()) {
      LOG.warn(
          "tensor {} has values that are not finite; it is held as f32 and gives answers that are"
              + " not finite",
          tensor.name());
      packed.memory.close();
      return decoded(tensor, budget, pool);
    }
    return packed;
  }

  private static PackedFormat formatOf(QuantFormat format) {
    return switch (format) {
      case F32 -> new PackedF32();
      case F16 -> new PackedF16();
      case BF16 -> new PackedBf16();
      case Q8_0 -> new PackedQ8();
      case Q4_0 -> new PackedQ4();
      case Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> null;
    };
  }

  private static PackedMatrix empty(Tensor tensor, PackedFormat format, MemoryBudget budget) {
    int groups = Activations.padded(tensor.rows()) / Lanes.COUNT;
    long groupBytes = format.groupBytes(tensor.columns());
    OffHeap memory = budget.allocate("tensor " + tensor.name(), groups * groupBytes);
    return new PackedMatrix(format, tensor.columns(), groups, groupBytes, memory);
  }

  private static PackedMatrix decoded(Tensor tensor, MemoryBudget budget, WorkerPool pool) {
    PackedMatrix packed = empty(tensor, new PackedF32(), budget);
    float[][] rows = new float[pool.threads()][tensor.columns()];
    pool.forEach(
        tensor.rows(),
        (row, worker) -> {
          tensor.decodeRow(row, rows[worker]);
          long group = row / Lanes.COUNT * packed.groupBytes;
          for (int i = 0; i < packed.columns; i++) {
            long lane = (long) i * Lanes.BYTES + row % Lanes.COUNT * 4L;
            packed.data().set(ValueLayout.JAVA_FLOAT, group + lane, rows[worker][i]);
          }
        });
    return packed;
  }

  MemorySegment data() {
    return memory.segment();
  }
}
