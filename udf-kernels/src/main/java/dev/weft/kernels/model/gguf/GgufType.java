package dev.weft.kernels.model.gguf;

/** Types of metadata values; the ordinal is the number in the file. */
enum GgufType {
  UINT8(1),
  INT8(1),
  UINT16(2),
  INT16(2),
  UINT32(4),
  INT32(4),
  FLOAT32(4),
  BOOL(1),
  STRING(0),
  ARRAY(0),
  UINT64(8),
  INT64(8),
  FLOAT64(8);

  private static final GgufType[] ALL = values();

  /** Bytes of a value; 0 where each value tells its own length. */
  final int bytes;

  GgufType(int bytes) {
    this.bytes = bytes;
  }

  /** The type of a number in the file, or null. */
  static GgufType of(int number) {
    return number >= 0 && number < ALL.length ? ALL[number] : null;
  }

  boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
    };
  }
}
