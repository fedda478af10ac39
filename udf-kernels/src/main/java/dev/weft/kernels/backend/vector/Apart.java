package dev.weft.kernels.backend.vector;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Calls kernels so that each is compiled for itself. A read or write of a vector takes the compiler
 * about two thousand of the 18,000 nodes that it allows one compilation before it stops inlining
 * (HotSpot, NodeCountInliningCutoff). With several kernels in one compilation the last ones would
 * lose their vectors to objects, and tens of times of their speed; which ones, chance decides. The
 * compiler does not look through a method handle that is not a constant.
 */
final class Apart {
  /** Not final, or a compiler might take them for constants. */
  private MethodHandle decode;

  private MethodHandle multiplyRow;
  private MethodHandle oneRow;
  private MethodHandle decodeQ4;
  private MethodHandle addRowQ4;

  Apart() {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      decode =
          lookup.findVirtual(
              DecodedFormat.class,
              "decode",
              MethodType.methodType(void.class, long.class, int.class, long.class));
      multiplyRow =
          lookup.findVirtual(
              DecodedFormat.class,
              "multiplyRow",
              MethodType.methodType(
                  void.class,
                  long.class,
                  int.class,
                  float[].class,
                  int.class,
                  float[].class,
                  int.class,
                  int.class));
      oneRow =
          lookup.findStatic(
              Unit.class,
              "oneRow",
              MethodType.methodType(
                  void.class,
                  long.class,
                  int.class,
                  float[].class,
                  int.class,
                  float[].class,
                  int.class,
                  int.class,
                  boolean.class));
      decodeQ4 =
          lookup.findStatic(
              PackedQ4.class,
              "decode",
              MethodType.methodType(void.class, long.class, int.class, long.class));
      addRowQ4 =
          lookup.findStatic(
              PackedQ4.class,
              "addRow",
              MethodType.methodType(
                  void.class,
                  long.class,
                  int.class,
                  RoundedRows.class,
                  int.class,
                  short[].class,
                  float[].class,
                  int.class));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("kernels are not what is called here", e);
    }
  }

  /** {@link DecodedFormat#decode}. */
  void decode(DecodedFormat format, long read, int count, long write) {
    try {
      decode.invokeExact(format, read, count, write);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** {@link DecodedFormat#multiplyRow}. */
  void multiplyRow(
      DecodedFormat format,
      long read,
      int count,
      float[] x,
      int xAt,
      float[] out,
      int at,
      int groups) {
    try {
      multiplyRow.invokeExact(format, read, count, x, xAt, out, at, groups);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** {@link Unit#oneRow}. */
  void oneRow(long w, int k, float[] x, int xAt, float[] out, int at, int groups, boolean fresh) {
    try {
      oneRow.invokeExact(w, k, x, xAt, out, at, groups, fresh);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** {@link PackedQ4#decode}. */
  void decodeQ4(long read, int blocks, long write) {
    try {
      decodeQ4.invokeExact(read, blocks, write);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** {@link PackedQ4#addRow}. */
  void addRowQ4(long read, int blocks, RoundedRows x, int row, short[] sums, float[] out, int at) {
    try {
      addRowQ4.invokeExact(read, blocks, x, row, sums, out, at);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  private static RuntimeException thrown(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
  }
}
