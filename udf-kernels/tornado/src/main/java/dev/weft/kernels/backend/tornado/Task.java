package dev.weft.kernels.backend.tornado;

/**
 * A kernel over some arrays: the part of an operation that programs are made of.
 *
 * @param first words of weights, or keys; may be null
 * @param second scales, or values; may be null
 * @param scales of keys and values; may be null
 * @param format of weights, or of keys and values
 */
record Task(Kernel kernel, DeviceArray first, DeviceArray second, Scales scales, int format) {
  Task(Kernel kernel, DeviceArray first, DeviceArray second, int format) {
    this(kernel, first, second, null, format);
  }

  /** Of the blocks of keys and values. */
  record Scales(DeviceArray keys, DeviceArray values) {}

  boolean uses(DeviceArray array) {
    return first == array
        || second == array
        || scales != null && (scales.keys == array || scales.values == array);
  }

  /**
   * A task at work once.
   *
   * @param last whether a program may end here, as after a block of a model
   */
  record Call(Task task, int[] parameters, boolean last) {
    /** What there is to do, each by one work group. */
    long items() {
      return (long) parameters[Kernel.GROUPS_X] * parameters[Kernel.GROUPS_Y];
    }

    Call asLast() {
      return new Call(task, parameters, true);
    }
  }
}
