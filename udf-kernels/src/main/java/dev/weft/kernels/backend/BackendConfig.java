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
 * @param cudaGraphs whether a device replays launches that it recorded; a backend that cannot
 *     refuses {@code TRUE}
 */
public record BackendConfig(
    int threads,
    long memoryBytes,
    int device,
    Path tuningFolder,
    boolean tensorCores,
    CudaGraphs cudaGraphs) {
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
    this(threads, memoryBytes, device, null, false, CudaGraphs.AUTO);
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
    return new BackendConfig(threads, memoryBytes, number, tuningFolder, tensorCores, cudaGraphs);
  }

  /** The same with a folder for what is measured; null for none. */
  public BackendConfig tunedIn(Path folder) {
    return new BackendConfig(threads, memoryBytes, device, folder, tensorCores, cudaGraphs);
  }

  /** The same with tensor cores or without. */
  public BackendConfig withTensorCores(boolean use) {
    return new BackendConfig(threads, memoryBytes, device, tuningFolder, use, cudaGraphs);
  }

  /** The same with CUDA graphs or without. */
  public BackendConfig withCudaGraphs(CudaGraphs use) {
    return new BackendConfig(threads, memoryBytes, device, tuningFolder, tensorCores, use);
  }

  /**
   * For backends without a CUDA device.
   *
   * @throws IllegalArgumentException if tensor cores or CUDA graphs are asked for
   */
  public void refuseCuda(String where) {
    refuse(tensorCores, "engine.tensorCores", where, "false");
    refuse(cudaGraphs == CudaGraphs.TRUE, "engine.cudaGraphs", where, "auto");
  }

  private static void refuse(boolean asked, String key, String where, String other) {
    if (asked) {
      throw new IllegalArgumentException(
          "%s = true needs backend tornado on a CUDA device; this is %s. Set it to %s"
              .formatted(key, where, other));
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
