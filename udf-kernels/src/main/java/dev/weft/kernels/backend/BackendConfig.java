package dev.weft.kernels.backend;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;

/**
 * What a backend may use.
 *
 * @param threads threads that compute, the caller's included; at least 1
 * @param memoryBytes off-heap memory for repacked weights, keys and values, and scratch; of a
 *     backend with memory of its own, host memory
 * @param device which of several devices of a kind, from 0; of the CPU there is one
 * @param tuningFolder where a backend keeps what it measured of this machine to choose its kernels;
 *     null for nowhere, then each process measures
 * @param tensorCores whether a device multiplies weights with activations rounded to f16, for all
 *     numbers of tokens alike; a backend without such kernels refuses it
 */
public record BackendConfig(
    int threads, long memoryBytes, int device, Path tuningFolder, boolean tensorCores) {
  public BackendConfig {
    if (device < 0) {
      throw new IllegalArgumentException("backend on device " + device);
    }
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "backend with " + threads + " threads; it takes 1 to 1024");
    }
    if (memoryBytes < 1) {
      throw new IllegalArgumentException("backend with " + memoryBytes + " bytes of memory");
    }
  }

  /** A device, with nothing kept. */
  public BackendConfig(int threads, long memoryBytes, int device) {
    this(threads, memoryBytes, device, null, false);
  }

  /** The first device. */
  public BackendConfig(int threads, long memoryBytes) {
    this(threads, memoryBytes, 0);
  }

  /** All memory that the machine, or the container, has beyond this process' heap. */
  public BackendConfig(int threads) {
    this(threads, machineBytesBeyondHeap());
  }

  /** The same on another device. */
  public BackendConfig onDevice(int number) {
    return new BackendConfig(threads, memoryBytes, number, tuningFolder, tensorCores);
  }

  /** The same with a folder for what is measured; null for none. */
  public BackendConfig tunedIn(Path folder) {
    return new BackendConfig(threads, memoryBytes, device, folder, tensorCores);
  }

  /** The same with tensor cores or without. */
  public BackendConfig withTensorCores(boolean use) {
    return new BackendConfig(threads, memoryBytes, device, tuningFolder, use);
  }

  /**
   * For backends that have no kernels for them.
   *
   * @throws IllegalArgumentException if tensor cores are asked for
   */
  public void refuseTensorCores(String where) {
    if (tensorCores) {
      throw new IllegalArgumentException(
          "engine.tensorCores = true needs backend tornado on a CUDA device; this is "
              + where
              + ". Set it to false");
    }
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
