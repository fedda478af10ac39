package dev.weft.kernels.backend.scalar;

import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;

/** Plain Java; runs everywhere. */
public final class ScalarProvider implements BackendProvider {
  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Availability availability() {
    return Availability.YES;
  }

  @Override
  public boolean fasterThanPlainJava() {
    return false;
  }

  @Override
  public Backend open(BackendConfig config) {
    config.refuseCuda("backend " + name());
    return new ScalarBackend(config);
  }
}
