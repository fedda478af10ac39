package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.memory.MemoryBudget;
import dev.weft.kernels.memory.OffHeap;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A matrix as kernels read it, from end to end: units of {@value #UNIT_GROUPS} groups of {@link
 * Lanes#COUNT} rows, in a unit tiles of {@value #TILE} columns, in a tile one chunk for each group.
 * Rows that fill the last groups up to a multiple of {@link Activations#PAD} are zero.
 */
record PackedMatrix(PackedFormat format, int columns, int groups, OffHeap memory) {
  /** Groups of one unit: as many vectors as a kernel has side by side. */
  static final int UNIT_GROUPS = 4;

  /** Columns of a tile; decoded, four groups take 32 KiB at 512 bits, 16 KiB at 256 bits. */
  static final int TILE = 128;

  private static final Logger LOG = LoggerFactory.getLogger(PackedMatrix.class);

  /** Repacks a matrix; one with values that are not finite becomes f32. */
  static PackedMatrix pack(Tensor tensor, MemoryBudget budget, WorkerPool pool) {
    PackedFormat format = formatOf(tensor.format());
    var finite = new AtomicBoolean(true);
    PackedMatrix packed = empty(tensor, format, budget);
    // A group is one worker's: its rows lie in the same cache lines.
    pool.forEach(
        Math.ceilDiv(tensor.rows(), Lanes.COUNT),
        (group, worker) -> {
          int first = group * Lanes.COUNT;
          int end = Math.min(tensor.rows(), first + Lanes.COUNT);
          for (int k = 0; k < packed.columns; k += TILE) {
            long at = packed.chunk(group, k);
            for (int row = first; row < end; row++) {
              long from = row * tensor.rowBytes();
              int lane = row - first;
              if (!format.pack(tensor.data(), from, k, packed.tile(k), packed.data(), at, lane)) {
                finite.set(false);
              }
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

  private static PackedFormat formatOf(QuantFormat format) {
    return switch (format) {
      case F32 -> new PackedF32();
      case F16 -> new PackedF16();
      case BF16 -> new PackedBf16();
      case Q8_0 -> new PackedQ8();
      case Q4_0 -> new PackedQ4();
      case Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> PackedGroups.of(format);
    };
  }

  private static PackedMatrix empty(Tensor tensor, PackedFormat format, MemoryBudget budget) {
    int groups = Activations.padded(tensor.rows()) / Lanes.COUNT;
    OffHeap memory =
        budget.allocate("tensor " + tensor.name(), groups * format.chunkBytes(tensor.columns()));
    return new PackedMatrix(format, tensor.columns(), groups, memory);
  }

  private static PackedMatrix decoded(Tensor tensor, MemoryBudget budget, WorkerPool pool) {
    PackedMatrix packed = empty(tensor, new PackedF32(), budget);
    float[][] rows = new float[pool.threads()][tensor.columns()];
    pool.forEach(
        tensor.rows(),
        (row, worker) -> {
          tensor.decodeRow(row, rows[worker]);
          for (int i = 0; i < packed.columns; i++) {
            long chunk = packed.chunk(row / Lanes.COUNT, i / TILE * TILE);
            PackedF32.put(packed.data(), chunk, i % TILE, row % Lanes.COUNT, rows[worker][i]);
          }
        });
    return packed;
  }

  /** Columns of the tile that begins at a column. */
  int tile(int column) {
    return Math.min(TILE, columns - column);
  }

  /**
   * Byte offset of a chunk; those of the unit's other groups follow.
   *
   * @param column where a tile begins
   */
  long chunk(int group, int column) {
    int firstGroup = group / UNIT_GROUPS * UNIT_GROUPS;
    int unitGroups = Math.min(UNIT_GROUPS, groups - firstGroup);
    return firstGroup * format.chunkBytes(columns)
        + unitGroups * format.chunkBytes(column)
        + (group - firstGroup) * format.chunkBytes(tile(column));
  }

  MemorySegment data() {
    return memory.segment();
  }
}
