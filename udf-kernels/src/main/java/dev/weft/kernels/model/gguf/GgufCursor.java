package dev.weft.kernels.model.gguf;

import static dev.weft.kernels.model.ModelFormatException.DAMAGED;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.model.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;

/** A position in the header of a file; every read is checked against the end of the file. */
final class GgufCursor {
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LE);

  private final MemorySegment file;
  private final String fileName;
  private long position;

  GgufCursor(MemorySegment file, String fileName, long position) {
    this.file = file;
    this.fileName = fileName;
    this.position = position;
  }

  long position() {
    return position;
  }

  long remaining() {
    return file.byteSize() - position;
  }

  /** Passes over {@code bytes}, which must be in the file. */
  void skip(long bytes, String what) {
    if (bytes < 0 || bytes > remaining()) {
      throw malformed(
          what + " needs " + Long.toUnsignedString(bytes) + " bytes, " + remaining() + " are left");
    }
    position += bytes;
  }

  int int32(String what) {
    long at = position;
    skip(4, what);
    return file.get(I32, at);
  }

  /** Any 64 bits. */
  long int64(String what) {
    long at = position;
    skip(8, what);
    return file.get(I64, at);
  }

  /** A count or a length that may be at most {@code limit}. */
  long count(long limit, String what) {
    long at = position;
    long count = int64(what);
    if (count < 0 || count > limit) {
      position = at;
      throw malformed(
          what + " is " + Long.toUnsignedString(count) + ", at most " + limit + " can be here");
    }
    return count;
  }

  GgufType type(String what) {
    int number = int32(what);
    GgufType type = GgufType.of(number);
    if (type == null) {
      position -= 4;
      throw malformed(what + " has the unknown value type " + Integer.toUnsignedString(number));
    }
    return type;
  }

  /** An integer of any width; unsigned 64-bit values over the signed range are refused. */
  long integer(GgufType type, String what) {
    long at = position;
    skip(type.bytes, what);
    long value =
        switch (type) {
          case UINT8 -> file.get(I8, at) & 0xFFL;
          case INT8 -> file.get(I8, at);
          case UINT16 -> file.get(I16, at) & 0xFFFFL;
          case INT16 -> file.get(I16, at);
          case UINT32 -> file.get(I32, at) & 0xFFFFFFFFL;
          case INT32 -> file.get(I32, at);
          case UINT64, INT64 -> file.get(I64, at);
          default -> throw new IllegalArgumentException(type + " is no integer");
        };
    if (type == GgufType.UINT64 && value < 0) {
      position = at;
      throw malformed(what + " is " + Long.toUnsignedString(value) + ", too large");
    }
    return value;
  }

  double real(GgufType type, String what) {
    return switch (type) {
      case FLOAT32 -> Float.intBitsToFloat(int32(what));
      case FLOAT64 -> Double.longBitsToDouble(int64(what));
      default -> integer(type, what);
    };
  }

  boolean bool(String what) {
    long at = position;
    skip(1, what);
    int value = file.get(I8, at);
    if (value != 0 && value != 1) {
      position = at;
      throw malformed(what + " is a boolean with the value " + (value & 0xFF));
    }
    return value == 1;
  }

  String string(long maxBytes, String what) {
    long limit = Math.min(maxBytes, Math.max(0, remaining() - 8));
    int length = Math.toIntExact(count(limit, "the length of " + what));
    long at = position;
    skip(length, what);
    var bytes = new byte[length];
    MemorySegment.copy(file, I8, at, bytes, 0, length);
    var text = new String(bytes, UTF_8);
    if (text.indexOf('\uFFFD') >= 0) {
      try {
        UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      } catch (CharacterCodingException e) {
        position = at;
        throw malformed(what + " is not valid UTF-8");
      }
    }
    return text;
  }

  ModelFormatException malformed(String what) {
    return new ModelFormatException(what, where(), DAMAGED);
  }

  String where() {
    return fileName + " at byte " + position;
  }
}
