package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import java.util.List;
import java.util.OptionalLong;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * GPUs through TornadoVM. {@code auto} takes it where there is a GPU; an OpenCL device that is a
 * CPU only if it is asked for, since the CPU's own kernels are faster there.
 */
public final class TornadoProvider implements BackendProvider {
  /** Before the CPU's backends. */
  private static final int GPU_PRIORITY = 100;

  /** After all others: {@code auto} never gets there. */
  private static final int NO_GPU_PRIORITY = -100;

  @Override
  public String name() {
    return "tornado";
  }

  @Override
  public int priority() {
    return Devices.probe().hasGpu() ? GPU_PRIORITY : NO_GPU_PRIORITY;
  }

  @Override
  public Availability availability() {
    String problem = Devices.probe().problem();
    return problem.isEmpty() ? Availability.YES : Availability.no(problem);
  }

  @Override
  public List<String> devices() {
    return Devices.probe().names();
  }

  @Override
  public OptionalLong memoryBytes(int device) {
    return OptionalLong.of(Devices.probe().device(device).getMaxGlobalMemory());
  }

  @Override
  public boolean compilesAtFirstUse() {
    return true;
  }

  /** A kernel that TornadoVM cannot compile ends in an error, never in a loop in Java. */
  @Override
  public boolean fasterThanPlainJava() {
    return false;
  }

  @Override
  public Backend open(BackendConfig config) {
    TornadoDevice device = Devices.probe().device(config.device());
    Launching launching = Launching.of(config.cudaGraphs(), device);
    return new TornadoBackend(device, DevicePlan.Launcher.DIRECT, launching, config.tensorCores());
  }
}
