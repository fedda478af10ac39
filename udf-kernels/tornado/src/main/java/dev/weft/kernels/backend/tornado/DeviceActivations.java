package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Activations;
import java.util.Arrays;

/**
 * Activations in the arena of the device, row-major. What the host reads is copied at the first
 * read after a change, wide rows one by one each time; what it writes goes to the device before the
 * next operation on them.
 */
final class DeviceActivations implements Activations {
  /** Rows of so many elements, such as logits, are copied without the other rows. */
  private static final int WIDE = 1 << 12;

  private final DeviceQueue queue;
  private final int at;
  private final int rows;
  private final int columns;
  private final int stride;
  private float[] host;
  private boolean changedByHost;

  /**
   * Whether no operation has written them: they are zeros, which need not be copied to be known.
   */
  private boolean untouched = true;

  DeviceActivations(DeviceQueue queue, int at, int rows, int columns) {
    this.queue = queue;
    this.at = at;
    this.rows = rows;
    this.columns = columns;
    stride = Activations.padded(columns);
  }

  /** Elements that activations take. */
  static int elements(int rows, int columns) {
    return Math.multiplyExact(rows, Activations.padded(columns));
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  int stride() {
    return stride;
  }

  /** Begin in the arena, of what an operation reads, all of which the device has by then. */
  int input() {
    if (changedByHost) {
      queue.put(queue.arena(), at, Arrays.copyOf(host, host.length));
      changedByHost = false;
    }
    return at;
  }

  /** Begin in the arena, of what an operation writes. */
  int output() {
    input();
    host = null;
    untouched = false;
    return at;
  }

  private void bring() {
    if (host == null) {
      float[] read = new float[rows * stride];
      if (!untouched) {
        queue.read(queue.arena(), at, read, 0, read.length);
      }
      host = read;
    }
  }

  @Override
  public void read(int row, float[] dst, int to, int count) {
    if (host == null && stride >= WIDE) {
      queue.read(queue.arena(), at + row * stride, dst, to, count);
      return;
    }
    bring();
    System.arraycopy(host, row * stride, dst, to, count);
  }

  @Override
  public void write(int row, float[] src, int from, int count) {
    bring();
    System.arraycopy(src, from, host, row * stride, count);
    changedByHost = true;
  }
}
