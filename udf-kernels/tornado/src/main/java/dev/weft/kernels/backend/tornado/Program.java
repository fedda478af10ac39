package dev.weft.kernels.backend.tornado;

import java.util.List;

/**
 * Tasks that run one after the other, submitted together.
 *
 * @param bringsStep whether it brings the integers of the waiting operations to the device first
 */
record Program(List<Task> tasks, boolean bringsStep) {
  static Program of(List<Task.Call> calls, boolean bringsStep) {
    return new Program(calls.stream().map(Task.Call::task).toList(), bringsStep);
  }

  boolean uses(DeviceArray array) {
    return tasks.stream().anyMatch(task -> task.uses(array));
  }
}
