package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The arrays that all programs have, and those that stand where a task has none of its own: a task
 * that is given the same array twice does not come to an end in TornadoVM.
 *
 * @param halves activations rounded to f16, between two kernels of a product on tensor cores
 * @param base where in {@code step} the parameters of the program that runs begin; or, for what the
 *     host changes, begin and count
 * @param stageFloats what the host changes, on its way
 * @param stageInts the same for integers
 */
record CommonArrays(
    DeviceArray arena,
    DeviceArray vectors,
    DeviceArray tables,
    DeviceArray halves,
    DeviceArray noInts,
    DeviceArray noFloats,
    DeviceArray noScales,
    IntArray base,
    FloatArray stageFloats,
    IntArray stageInts) {
  /** Elements that go to the device at a time when an array is changed by the host. */
  static final int STAGE = 1 << 18;

  static CommonArrays of(
      DeviceArray arena,
      DeviceArray vectors,
      DeviceArray tables,
      DeviceArray halves,
      DeviceArray noInts,
      DeviceArray noFloats,
      DeviceArray noScales) {
    return new CommonArrays(
        arena,
        vectors,
        tables,
        halves,
        noInts,
        noFloats,
        noScales,
        new IntArray(2),
        new FloatArray(STAGE),
        new IntArray(STAGE));
  }

  /**
   * What a task works on.
   *
   * @param step parameters of all programs that wait
   */
  Kernel.Arrays with(Task task, IntArray step) {
    return new Kernel.Arrays(
        base,
        step,
        arena,
        vectors,
        tables,
        halves,
        task.first() == null ? noInts : task.first(),
        task.second() == null ? noFloats : task.second(),
        task.scales() == null ? noFloats : task.scales().keys(),
        task.scales() == null ? noScales : task.scales().values(),
        task.format());
  }
}
