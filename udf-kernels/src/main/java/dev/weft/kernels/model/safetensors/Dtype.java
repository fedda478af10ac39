package dev.weft.kernels.model.safetensors;

import dev.weft.kernels.quant.QuantFormat;
import java.util.Arrays;
import java.util.Optional;

/** Element types of the format that are whole bytes wide; weights can be those with a format. */
public enum Dtype {
  F32(4, QuantFormat.F32),
  F16(2, QuantFormat.F16),
  BF16(2, QuantFormat.BF16),
  F64(8, null),
  F8_E4M3(1, null),
  F8_E5M2(1, null),
  I64(8, null),
  I32(4, null),
  I16(2, null),
  I8(1, null),
  U64(8, null),
  U32(4, null),
  U16(2, null),
  U8(1, null),
  BOOL(1, null);

  private final int bytes;
  private final QuantFormat format;

  Dtype(int bytes, QuantFormat format) {
    this.bytes = bytes;
    this.format = format;
  }

  /** The type of a name in a header. */
  static Optional<Dtype> of(String name) {
    return Arrays.stream(values()).filter(d -> d.name().equals(name)).findFirst();
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The number format of weights of this type, where they can be used. */
  public Optional<QuantFormat> format() {
    return Optional.ofNullable(format);
  }
}
