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
  private MethodHandle decodeNibbles;
  private MethodHandle addNibbleRow;
  private MethodHandle addAddends;

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
      decodeNibbles =
          lookup.findStatic(
              PackedNibbles.class,
              "decode",
              MethodType.methodType(void.class, long.class, int.class, int.class, long.class));
      addNibbleRow =
          lookup.findStatic(
              PackedNibbles.class,
              "addRow",
              MethodType.methodType(
                  void.class,
                  long.class,
                  int.class,
                  int.class,
                  RoundedRows.class,
                  int.class,
                  short[].class,
                  float[].class,
                  int.class));
      addAddends =
          lookup.findStatic(
              PackedNibbles.class,
              "addAddends",
              MethodType.methodType(
                  void.class,
                  long.class,
                  int.class,
                  int.class,
                  RoundedRows.class,
                  int.class,
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

  /** {@link PackedNibbles#decode}. */
  void decodeNibbles(long read, int blockBytes, int blocks, long write) {
    try {
      decodeNibbles.invokeExact(read, blockBytes, blocks, write);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** {@link PackedNibbles#addRow}. */
  void addNibbleRow(
      long read,
      int blockBytes,
      int blocks,
      RoundedRows x,
      int row,
      short[] sums,
      float[] out,
      int at) {
    try {
      addNibbleRow.invokeExact(read, blockBytes, blocks, x, row, sums, out, at);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** {@link PackedNibbles#addAddends}. */
  void addAddends(
      long read, int blockBytes, int blocks, RoundedRows x, int row, float[] out, int at) {
    try {
      addAddends.invokeExact(read, blockBytes, blocks, x, row, out, at);
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
