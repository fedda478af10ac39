package dev.weft.jobs.ingest;

import java.io.IOException;

/**
 * Walks through a struct in Thrift's compact protocol and allocates nothing: every length and count
 * in it must fit into the bytes that are left. A reader of Thrift makes lists of the size that they
 * name before it reads an element of them.
 *
 * <p>Source: the specification of the compact protocol, thrift/doc/specs of Apache Thrift.
 */
final class ThriftSizes {
  /** Parquet's own structs nest 8 deep. */
  private static final int MAX_DEPTH = 32;

  private static final int TRUE = 1;
  private static final int FALSE = 2;
  private static final int BYTE = 3;
  private static final int I16 = 4;
  private static final int I64 = 6;
  private static final int DOUBLE = 7;
  private static final int BINARY = 8;
  private static final int LIST = 9;
  private static final int SET = 10;
  private static final int MAP = 11;
  private static final int STRUCT = 12;
  private static final int UUID = 13;

  /** A list of 15 elements or more has its count behind the header. */
  private static final int LONG_LIST = 15;

  private final byte[] bytes;
  private int at;

  private ThriftSizes(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * Checks the struct at the beginning of {@code bytes}.
   *
   * @throws IOException if it is not whole, or a size in it cannot be
   */
  static void check(byte[] bytes) throws IOException {
    new ThriftSizes(bytes).struct(0);
  }

  private void struct(int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw wrong("nests deeper than " + MAX_DEPTH);
    }
    for (int header = next(); header != 0; header = next()) {
      if (header >>> 4 == 0) {
        // The field's number does not follow from the one before.
        number();
      }
      int type = header & 0xF;
      if (type != TRUE && type != FALSE) {
        value(type, depth);
      }
    }
  }

  private void value(int type, int depth) throws IOException {
    switch (type) {
      case TRUE, FALSE, BYTE -> skip(1);
      case I16, 5, I64 -> number();
      case DOUBLE -> skip(Double.BYTES);
      case UUID -> skip(2 * Long.BYTES);
      case BINARY -> skip(number());
      case STRUCT -> struct(depth + 1);
      case LIST, SET -> {
        int header = next();
        long count = header >>> 4 == LONG_LIST ? number() : header >>> 4;
        elements(count, header & 0xF, 0, depth + 1);
      }
      case MAP -> {
        long count = number();
        if (count != 0) {
          int types = next();
          elements(count, types >>> 4, types & 0xF, depth + 1);
        }
      }
      default -> throw wrong("has a value of the unknown type " + type);
    }
  }

  /** Elements of one type, or of two by turns. */
  private void elements(long count, int first, int second, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw wrong("nests deeper than " + MAX_DEPTH);
    }
    // Every element has a byte at least.
    if (count < 0 || count > bytes.length - at) {
      throw wrong("names %d elements, but %d bytes are left".formatted(count, bytes.length - at));
    }
    for (long i = 0; i < count; i++) {
      value(first, depth);
      if (second != 0) {
        value(second, depth);
      }
    }
  }

  private int next() throws IOException {
    skip(1);
    return bytes[at - 1] & 0xFF;
  }

  /** A number of 7 bits a byte, without regard to its sign. */
  private long number() throws IOException {
    long number = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      int b = next();
      number |= (b & 0x7FL) << shift;
      if (b < 0x80) {
        return number;
      }
    }
    throw wrong("has a number of more than 64 bits");
  }

  private void skip(long count) throws IOException {
    if (count < 0 || count > bytes.length - at) {
      throw wrong("names %d bytes, but %d are left".formatted(count, bytes.length - at));
    }
    at += (int) count;
  }

  private IOException wrong(String what) {
    return new IOException("its footer, at byte %d of it, %s".formatted(at, what));
  }
}
