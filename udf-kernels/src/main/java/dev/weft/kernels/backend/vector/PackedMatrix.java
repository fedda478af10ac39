package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.memory.OffHeap;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.GroupCodec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A matrix as kernels read it, from end to end: units of {@link Unit#ROWS} rows, in a unit all
 * columns. Rows that fill the last unit are zero.
 *
 * @param groups vectors of outputs: rows up to a multiple of {@link Activations#PAD}
 */
record PackedMatrix(PackedFormat format, int columns, int groups, OffHeap memory) {
  private static final Logger LOG = LoggerFactory.getLogger(PackedMatrix.class);

  /** Repacks a matrix; one with values that are not finite becomes f32. */
  static PackedMatrix pack(Tensor tensor, MemoryBudget budget, WorkerPool pool) {
    PackedFormat format = formatOf(tensor.format());
    var finite = new AtomicBoolean(true);
    PackedMatrix packed = empty(tensor, format, budget);
    pool.forEach(
        Math.ceilDiv(tensor.rows(), Unit.ROWS),
        (unit, worker) -> {
          int first = unit * Unit.ROWS;
          int end = Math.min(tensor.rows(), first + Unit.ROWS);
          long at = packed.offset(unit, 0);
          for (int row = first; row < end; row++) {
            long from = row * tensor.rowBytes();
            if (!format.pack(tensor.data(), from, packed.columns, packed.data(), at, row - first)) {
              finite.set(false);
            }
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

  /** How matrices of a file's format are held. */
  static PackedFormat formatOf(QuantFormat format) {
    return switch (format) {
      case F32 -> new PackedF32();
      case F16 -> new PackedF16();
      case BF16 -> new PackedBf16();
      case Q8_0 -> new PackedQ8();
      case Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> ofGroups(format);
    };
  }

  private static PackedFormat ofGroups(QuantFormat format) {
    GroupCodec codec = format.groups().orElseThrow();
    return PackedNibbles.holds(codec.layout())
        ? new PackedNibbles(codec, format.blockBytes())
        : new PackedGroups(format, codec, codec.layout());
  }

  private static PackedMatrix empty(Tensor tensor, PackedFormat format, MemoryBudget budget) {
    int groups = Activations.padded(tensor.rows()) / Lanes.COUNT;
    long units = Math.ceilDiv(groups, Unit.GROUPS);
    OffHeap memory =
        budget.allocate("tensor " + tensor.name(), units * format.bytes(tensor.columns()));
    return new PackedMatrix(format, tensor.columns(), groups, memory);
  }

  private static PackedMatrix decoded(Tensor tensor, MemoryBudget budget, WorkerPool pool) {
    PackedMatrix packed = empty(tensor, new PackedF32(), budget);
    float[][] rows = new float[pool.threads()][tensor.columns()];
    pool.forEach(
        tensor.rows(),
        (row, worker) -> {
          tensor.decodeRow(row, rows[worker]);
          long unit = packed.offset(row / Unit.ROWS, 0);
          for (int i = 0; i < packed.columns; i++) {
            PackedF32.put(packed.data(), unit, i, row % Unit.ROWS, rows[worker][i]);
          }
        });
    return packed;
  }

  int units() {
    return Math.ceilDiv(groups, Unit.GROUPS);
  }

  /** Byte offset of a column of a unit, at the beginning of a block. */
  long offset(int unit, int column) {
    return unit * format.bytes(columns) + format.bytes(column);
  }

  /** Where a unit is in {@link Lanes#MEMORY}. */
  long address(int unit) {
    return Lanes.address(data()) + offset(unit, 0);
  }

  /** Vectors of outputs of a unit. */
  int groups(int unit) {
    return Math.min(Unit.GROUPS, groups - unit * Unit.GROUPS);
  }

  MemorySegment data() {
    return memory.segment();
  }
}
