package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.CudaGraphs;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/**
 * How programs are launched. As CUDA graphs the launches of a program are recorded when it first
 * runs, and repeated as they were: their grids stay the same. The host waits for the end of each
 * program, so they are longer then.
 *
 * @param cudaGraphs whether as CUDA graphs
 * @param grid work groups of a launch; fixed with CUDA graphs
 * @param mostTasks of a program of several blocks of a model; 0 for programs of one
 */
record Launching(boolean cudaGraphs, Grid grid, int mostTasks) {
  /** Each launch by itself. */
  static final Launching PLAIN = new Launching(false, Grid.EXACT, 0);

  /** Threads that a compute unit of an NVIDIA GPU has room for. */
  private static final int UNIT_THREADS = 2048;

  /** Each task is compiled for itself, in 0.1 s or so. */
  private static final int MOST_TASKS = 64;

  /**
   * What a setting says for a device.
   *
   * @throws IllegalArgumentException if it asks for CUDA graphs where there are none
   */
  static Launching of(CudaGraphs setting, TornadoDevice device) {
    boolean cuda = device.getTornadoVMBackend() == TornadoVMBackendType.CUDA;
    if (setting == CudaGraphs.TRUE && !cuda) {
      throw new IllegalArgumentException(
          "engine.cudaGraphs = true needs TornadoVM's CUDA driver; %s is driven by %s. Set it to auto"
              .formatted(
                  device.getPhysicalDevice().getDeviceName().strip(),
                  device.getTornadoVMBackend()));
    }
    if (setting == CudaGraphs.FALSE || !cuda) {
      return PLAIN;
    }
    int units = Math.max(1, device.getPhysicalDevice().getDeviceMaxComputeUnits());
    return new Launching(true, Grid.ofThreads(units * UNIT_THREADS), MOST_TASKS);
  }
}
