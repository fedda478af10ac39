package dev.weft.kernels.quant;

/** What a block of a {@link GroupCodec} holds; arrays are as long as any format needs. */
public final class GroupValues {
  /** The integers, one for each value of the block. */
  public final byte[] integers = new byte[256];

  /** A scale for each group. */
  public final float[] scales = new float[16];

  /** An addend for each group, if the format has them. */
  public final float[] addends = new float[16];
}
