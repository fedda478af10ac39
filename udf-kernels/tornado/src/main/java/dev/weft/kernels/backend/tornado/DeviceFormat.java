package dev.weft.kernels.backend.tornado;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * How weights lie on the device, in words of 32 bits: f32 as they are; two f16 or bf16, four bytes
 * of Q8_0 or eight nibbles of Q4_0 in a word, the first lowest, with an f32 scale for 32 elements.
 * Formats that the device does not know are decoded to f32 when a model is loaded, or to f16 where
 * tensor cores multiply.
 */
enum DeviceFormat {
  WORDS_F32(DeviceFormat.F32, 1, false),
  WORDS_F16(DeviceFormat.F16, 2, false),
  WORDS_BF16(DeviceFormat.BF16, 2, false),
  WORDS_Q8_0(DeviceFormat.Q8, 4, true),
  WORDS_Q4_0(DeviceFormat.Q4, 8, true);

  static final int F32 = 0;
  static final int F16 = 1;
  static final int BF16 = 2;
  static final int Q8 = 3;
  static final int Q4 = 4;

  /** Elements that share a scale. */
  static final int BLOCK = 32;

  /** In the tables: what the mantissa of an f16, as an integer, is multiplied with. */
  static final int F16_POWERS = 0;

  /** The same of bf16. */
  static final int BF16_POWERS = 32;

  static final int TABLE_SIZE = BF16_POWERS + 256;

  private final int code;
  private final int elements;
  private final boolean scaled;

  DeviceFormat(int code, int elements, boolean scaled) {
    this.code = code;
    this.elements = elements;
    this.scaled = scaled;
  }

  /** The constant that kernels are compiled with. */
  int code() {
    return code;
  }

  boolean scaled() {
    return scaled;
  }

  /** Elements in a word. */
  int elements() {
    return elements;
  }

  /** Words of a row of {@code columns} elements. */
  int words(int columns) {
    return (columns + elements - 1) / elements;
  }

  /**
   * @param tensorCores whether {@link TensorKernels} multiply what they take; f32 they do not,
   *     since who brings it wants its precision
   */
  static DeviceFormat of(QuantFormat format, boolean tensorCores) {
    return switch (format) {
      case F32 -> WORDS_F32;
      case F16 -> WORDS_F16;
      case Q8_0 -> WORDS_Q8_0;
      case Q4_0 -> WORDS_Q4_0;
      case BF16 -> tensorCores ? WORDS_F16 : WORDS_BF16;
      default -> tensorCores ? WORDS_F16 : WORDS_F32;
    };
  }

  /** What is said of weights of a format that take more memory on the device than in their file. */
  Optional<String> warning(QuantFormat format) {
    int bits = this == WORDS_F32 ? 32 : this == WORDS_F16 ? 16 : bits(format);
    return bits > bits(format)
        ? Optional.of(
            "%s weights are held as f%d on the device, %d times as large"
                .formatted(format, bits, bits / bits(format)))
        : Optional.empty();
  }

  private static int bits(QuantFormat format) {
    return Math.max(1, 8 * format.blockBytes() / format.blockElements());
  }

  static float[] tables() {
    float[] tables = new float[TABLE_SIZE];
    for (int e = 0; e < 32; e++) {
      tables[F16_POWERS + e] =
          e == 31 ? Float.POSITIVE_INFINITY : (float) Math.scalb(1.0, Math.max(e, 1) - 25);
    }
    for (int e = 0; e < 256; e++) {
      tables[BF16_POWERS + e] =
          e == 255 ? Float.POSITIVE_INFINITY : (float) Math.scalb(1.0, Math.max(e, 1) - 134);
    }
    return tables;
  }

  /**
   * Packs one row.
   *
   * @param words {@link #words} of them
   * @param floats scales, or for f32 the elements
   * @throws IllegalArgumentException if it becomes f16 and has an element beyond what that holds
   */
  void pack(Tensor tensor, int row, int[] words, float[] floats) {
    long at = row * tensor.rowBytes();
    var data = tensor.data();
    switch (this) {
      case WORDS_F32 -> tensor.decodeRow(row, floats);
      case WORDS_F16 -> {
        if (tensor.format() == QuantFormat.F16) {
          packHalves(data, at, tensor.columns(), words);
        } else {
          packRounded(tensor, row, words);
        }
      }
      case WORDS_BF16 -> packHalves(data, at, tensor.columns(), words);
      case WORDS_Q8_0 -> {
        for (int b = 0; b < tensor.columns() / BLOCK; b++) {
          floats[b] = half(data, at + 34L * b);
          for (int j = 0; j < 8; j++) {
            words[b * 8 + j] = data.get(JAVA_INT_UNALIGNED, at + 34L * b + 2 + 4 * j);
          }
        }
      }
      case WORDS_Q4_0 -> {
        for (int b = 0; b < tensor.columns() / BLOCK; b++) {
          long block = at + 18L * b;
          floats[b] = half(data, block);
          for (int j = 0; j < BLOCK; j++) {
            int two = data.get(JAVA_BYTE, block + 2 + j % 16) & 0xff;
            int nibble = j < 16 ? two & 15 : two >> 4;
            int word = b * 4 + j / 8;
            words[word] = (j % 8 == 0 ? 0 : words[word]) | nibble << 4 * (j % 8);
          }
        }
      }
    }
  }

  private static void packHalves(MemorySegment data, long at, int columns, int[] words) {
    for (int i = 0; i < columns; i++) {
      packHalf(data.get(JAVA_SHORT_UNALIGNED, at + 2L * i), i, words);
    }
  }

  private static void packRounded(Tensor tensor, int row, int[] words) {
    float[] elements = new float[tensor.columns()];
    tensor.decodeRow(row, elements);
    for (int i = 0; i < elements.length; i++) {
      short half = Float.floatToFloat16(elements[i]);
      if (Float.isFinite(elements[i]) && !Float.isFinite(Float.float16ToFloat(half))) {
        throw new IllegalArgumentException(
            ("engine.tensorCores = true: %s has %s in row %d, more than an f16 holds (65,504). Set"
                    + " it to false")
                .formatted(tensor.name(), elements[i], row));
      }
      packHalf(half, i, words);
    }
  }

  private static void packHalf(short half, int i, int[] words) {
    int bits = half & 0xffff;
    words[i / 2] = i % 2 == 0 ? bits : words[i / 2] | bits << 16;
  }

  private static float half(MemorySegment data, long at) {
    return Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, at));
  }
}
