package dev.weft.kernels.quant;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of small integers in groups that share a scale and, in some formats, an addend. An integer
 * {@code q} stands for {@code (q - center) scale + addend}; product and sum are each rounded to
 * f32.
 */
public interface GroupCodec extends BlockCodec {
  GroupLayout layout();

  /** Reads the block at byte {@code offset} of {@code src}. */
  void read(MemorySegment src, long offset, GroupValues values);

  @Override
  default void decode(MemorySegment src, long offset, float[] dst, int dstOffset) {
    GroupLayout layout = layout();
    GroupValues values = GroupScratch.VALUES.get();
    read(src, offset, values);
    for (int i = 0; i < layout.elements(); i++) {
      int group = i / layout.groupElements();
      float product = (values.integers[i] - layout.center()) * values.scales[group];
      dst[dstOffset + i] = layout.hasAddend() ? product + values.addends[group] : product;
    }
  }
}
