package dev.weft.kernels.quant;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A number format of weights. A row of a tensor is a whole number of blocks; a block of {@link
 * #blockElements()} values takes {@link #blockBytes()} bytes, little endian. Type numbers and
 * layouts are those of ggml ({@code ggml.h}, {@code ggml-quants.c}).
 *
 * <p>Decoding is fixed to the bit. F32, F16, BF16, Q4_0, Q5_0 and Q8_0 need no rounding at all; the
 * others round each f32 product and sum once, in the order that their codec says.
 */
public enum QuantFormat {
  F32(0, 1, 4, true, new PlainCodecs.F32()),
  F16(1, 1, 2, true, new PlainCodecs.F16(), 0),
  Q4_0(2, 32, 18, true, new Q40Codec(), 0),
  Q4_1(3, 32, 20, true, new Q41Codec(), 0, 2),
  Q5_0(6, 32, 22, true, new Q50Codec(), 0),
  Q5_1(7, 32, 24, true, new Q51Codec(), 0, 2),
  Q8_0(8, 32, 34, true, new Q80Codec(), 0),
  Q2_K(10, 256, 84, false, new KQuantCodecs.Q2(), 80, 82),
  Q3_K(11, 256, 110, false, new KQuantCodecs.Q3(), 108),
  Q4_K(12, 256, 144, false, new KQuantCodecs.Q4(), 0, 2),
  Q5_K(13, 256, 176, false, new KQuantCodecs.Q5(), 0, 2),
  Q6_K(14, 256, 210, false, new KQuantCodecs.Q6(), 208),
  BF16(30, 1, 2, true, new PlainCodecs.Bf16());

  private final int ggmlType;
  private final int blockElements;
  private final int blockBytes;
  private final boolean encodes;
  private final BlockCodec codec;

  /** Bytes of a block where its f16 values begin: the value itself, or scales. */
  private final int[] halves;

  QuantFormat(
      int ggmlType,
      int blockElements,
      int blockBytes,
      boolean encodes,
      BlockCodec codec,
      int... halves) {
    this.ggmlType = ggmlType;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
    this.encodes = encodes;
    this.codec = codec;
    this.halves = halves;
  }

  /** The format with a ggml type number, if Weft reads it. */
  public static Optional<QuantFormat> ofGgmlType(int ggmlType) {
    for (QuantFormat format : values()) {
      if (format.ggmlType == ggmlType) {
        return Optional.of(format);
      }
    }
    return Optional.empty();
  }

  /** The number by which GGUF files name this format. */
  public int ggmlType() {
    return ggmlType;
  }

  /** Values in one block. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether {@link #encode} is there; the others are only read. */
  public boolean encodes() {
    return encodes;
  }

  /** Access to the parts of a block, if this is a format of integers in groups. */
  public Optional<GroupCodec> groups() {
    return codec instanceof GroupCodec groups ? Optional.of(groups) : Optional.empty();
  }

  /**
   * Bytes that {@code elements} values take.
   *
   * @throws IllegalArgumentException if {@code elements} is not a whole number of blocks
   * @throws ArithmeticException if the result does not fit a long
   */
  public long bytes(long elements) {
    if (elements % blockElements != 0) {
      throw new IllegalArgumentException(
          elements + " values are not a whole number of " + this + " blocks of " + blockElements);
    }
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }

  /**
   * The first block that holds an infinity or a NaN, or -1. Looks only at what can make one: all
   * values of plain formats, the scales of the others, whose integers are always finite.
   *
   * @param src {@code blocks} encoded blocks from byte 0 on
   */
  public long firstNonFiniteBlock(MemorySegment src, long blocks) {
    for (long block = 0; block < blocks; block++) {
      long offset = block * blockBytes;
      boolean finite =
          switch (this) {
            case F32 -> (src.get(PlainCodecs.I32_LE, offset) & 0x7F800000) != 0x7F800000;
            case BF16 -> (src.get(PlainCodecs.I16_LE, offset) & 0x7F80) != 0x7F80;
            default -> {
              boolean all = true;
              for (int at : halves) {
                all &= (src.get(PlainCodecs.I16_LE, offset + at) & 0x7C00) != 0x7C00;
              }
              yield all;
            }
          };
      if (!finite) {
        return block;
      }
    }
    return -1;
  }

  /**
   * Reference decoding of {@code elements} values, a whole number of blocks.
   *
   * @param src encoded blocks
   * @param offset byte in {@code src} where the first block begins
   * @param dst receives f32 values from {@code dstOffset} on
   */
  public void decode(MemorySegment src, long offset, float[] dst, int dstOffset, int elements) {
    bytes(elements);
    for (int done = 0; done < elements; done += blockElements, offset += blockBytes) {
      codec.decode(src, offset, dst, dstOffset + done);
    }
  }

  /**
   * Reference encoding of {@code elements} values, a whole number of blocks, rounded as ggml's
   * reference quantizers do.
   *
   * @throws UnsupportedOperationException if not {@link #encodes()}
   */
  public void encode(float[] src, int srcOffset, MemorySegment dst, long offset, int elements) {
    bytes(elements);
    for (int done = 0; done < elements; done += blockElements, offset += blockBytes) {
      codec.encode(src, srcOffset + done, dst, offset);
    }
  }
}
