package dev.weft.kernels.backend;

import java.lang.management.ManagementFactory;

/**
 * What a backend may use.
 *
 * @param threads threads that compute, the caller's included; at least 1
 * @param memoryBytes off-heap memory for repacked weights, keys and values, and scratch
 */
public record BackendConfig(int threads, long memoryBytes) {
  public BackendConfig {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "backend with " + threads + " threads; it takes 1 to 1024");
    }
    if (memoryBytes < 1) {
      throw new IllegalArgumentException("backend with " + memoryBytes + " bytes of memory");
    }
  }

  /** All memory that the machine, or the container, has beyond this process' heap. */
  public BackendConfig(int threads) {
    this(threads, machineBytesBeyondHeap());
  }

  private static long machineBytesBeyondHeap() {
    var os =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return Math.max(
        256L << 20,
        os.getTotalMemorySize()
            - Math.min(Runtime.getRuntime().maxMemory(), os.getTotalMemorySize() / 2));
  }
}
