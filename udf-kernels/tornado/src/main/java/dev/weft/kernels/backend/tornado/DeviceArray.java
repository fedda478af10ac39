package dev.weft.kernels.backend.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * One array of words on the device, of which parts are handed out, and its memory on the host, of
 * the same size. Growing it changes the array, so programs that use it have to be made anew.
 */
final class DeviceArray {
  /** Bytes that are worth a collection. */
  private static final long LARGE = 1L << 28;

  private final String name;
  private final boolean floats;

  /** Whether kernels write it: then its content is the device's, else the host's. */
  private final boolean written;

  private final Ranges ranges;
  private TornadoNativeArray array;

  DeviceArray(String name, boolean floats, boolean written, int size) {
    this.name = name;
    this.floats = floats;
    this.written = written;
    ranges = new Ranges(Ranges.aligned(size));
    array = make(ranges.size());
  }

  private TornadoNativeArray make(int size) {
    return floats ? new FloatArray(size) : new IntArray(size);
  }

  String name() {
    return name;
  }

  boolean isFloats() {
    return floats;
  }

  boolean isWritten() {
    return written;
  }

  int size() {
    return ranges.size();
  }

  FloatArray floats() {
    return (FloatArray) array;
  }

  IntArray ints() {
    return (IntArray) array;
  }

  TornadoNativeArray array() {
    return array;
  }

  /** The words on the host, without what TornadoVM keeps before them. */
  MemorySegment host() {
    return array.getSegment();
  }

  /**
   * Takes a part, of an array that is made larger if need be.
   *
   * @return where it begins
   * @throws ArithmeticException if the array would have 2^31 elements or more
   */
  int take(int count) {
    var at = ranges.take(count);
    if (at.isPresent()) {
      return at.getAsInt();
    }
    grow(count);
    return ranges.take(count).orElseThrow();
  }

  /** Takes a part if one is free. */
  boolean has(int count) {
    var at = ranges.take(count);
    at.ifPresent(a -> ranges.give(a, count));
    return at.isPresent();
  }

  void give(int at, int count) {
    ranges.give(at, count);
  }

  private void grow(int count) {
    long wanted = Math.max(2L * size(), (long) size() + Ranges.aligned(count));
    long most = Integer.MAX_VALUE / 32 * 32;
    if (wanted > most && (long) size() + Ranges.aligned(count) <= most) {
      wanted = most;
    }
    array = enlarged(Math.toIntExact(wanted));
    collect(4L * size());
    ranges.grow((int) wanted);
  }

  private TornadoNativeArray enlarged(int wanted) {
    TornadoNativeArray made = make(wanted);
    MemorySegment.copy(array.getSegment(), 0, made.getSegment(), 0, 4L * size());
    return made;
  }

  /** Drops the memory; the array is of no use then. */
  void close() {
    array = make(1);
  }

  /**
   * Has memory of the host given back that arrays had which nobody has any more: TornadoVM leaves
   * that to the collector, which does not see how large they are.
   *
   * @param bytes of these arrays
   */
  static void collect(long bytes) {
    if (bytes >= LARGE) {
      System.gc();
    }
  }

  void putHost(int at, float[] data, int from, int count) {
    MemorySegment.copy(data, from, host(), ValueLayout.JAVA_FLOAT, 4L * at, count);
  }

  void putHost(int at, int[] data, int from, int count) {
    MemorySegment.copy(data, from, host(), ValueLayout.JAVA_INT, 4L * at, count);
  }

  void getHost(int at, float[] data, int to, int count) {
    MemorySegment.copy(host(), ValueLayout.JAVA_FLOAT, 4L * at, data, to, count);
  }
}
