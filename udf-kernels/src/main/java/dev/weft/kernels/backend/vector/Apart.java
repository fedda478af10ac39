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

  private MethodHandle addRow;
  private MethodHandle addTileRow;
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
      addRow =
          lookup.findVirtual(
              DecodedFormat.class,
              "addRow",
              MethodType.methodType(
                  void.class,
                  long.class,
                  int.class,
                  float[].class,
                  int.class,
                  float[].class,
                  int.class));
      addTileRow =
          lookup.findStatic(
              Unit.class,
              "addRow",
              MethodType.methodType(
                  void.class,
                  long.class,
                  int.class,
                  float[].class,
                  int.class,
                  float[].class,
                  int.class));
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

  /** {@link DecodedFormat#addRow}. */
  void addRow(DecodedFormat format, long read, int count, float[] x, int xAt, float[] out, int at) {
    try {
      addRow.invokeExact(format, read, count, x, xAt, out, at);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** {@link Unit#addRow}. */
  void addTileRow(long w, int k, float[] x, int xAt, float[] out, int at) {
    try {
      addTileRow.invokeExact(w, k, x, xAt, out, at);
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
