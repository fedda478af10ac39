package dev.weft.kernels.backend.vector;

import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import java.nio.ByteOrder;

/** SIMD kernels of the CPU; need the incubator module of the Vector API. */
public final class VectorProvider implements BackendProvider {
  private static final String MODULE = "jdk.incubator.vector";

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public int priority() {
    return 10;
  }

  @Override
  public Availability availability() {
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return Availability.no(
          "module " + MODULE + " is not in this process; start Java with --add-modules=" + MODULE);
    }
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      return Availability.no("kernels are for little-endian machines");
    }
    if (Lanes.COUNT < 4 || Lanes.COUNT > 16) {
      return Availability.no(
          "vectors of this machine have " + Lanes.COUNT + " f32 lanes; kernels are for 4 to 16");
    }
    return Availability.YES;
  }

  @Override
  public Backend open(BackendConfig config) {
    config.refuseCuda("backend " + name());
    return new VectorBackend(config);
  }
}
