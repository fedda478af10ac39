package dev.weft.kernels.backend;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/** The backends on the class path. */
public final class Backends {
  /** Of a build with TornadoVM's SDK only. */
  private static final String TORNADO = "tornado";

  private Backends() {}

  /** Whether a backend computes on devices of its own rather than on the processor. */
  public static boolean onDevice(String name) {
    return name.equals(TORNADO);
  }

  /** All of them, the highest priority first. */
  public static List<BackendProvider> all() {
    var providers = new ArrayList<BackendProvider>();
    for (var provider :
        ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader())) {
      providers.add(provider);
    }
    providers.sort(Comparator.comparingInt(BackendProvider::priority).reversed());
    return providers;
  }

  /**
   * @param name a backend's name, or {@code auto} for the available one of the highest priority
   * @throws IllegalArgumentException if it is unknown or not available; the message says why
   */
  public static BackendProvider find(String name) {
    var known = new StringBuilder();
    for (var provider : all()) {
      var availability = provider.availability();
      if (name.equals("auto") ? availability.available() : name.equals(provider.name())) {
        if (!availability.available()) {
          throw new IllegalArgumentException(
              "backend " + name + " is not available: " + availability.reason());
        }
        return provider;
      }
      known.append(known.isEmpty() ? "" : ", ").append(provider.name());
    }
    if (name.equals(TORNADO)) {
      throw new IllegalArgumentException(
          "backend tornado is not part of this build: it was made without TornadoVM's SDK. Set"
              + " TORNADOVM_HOME to the SDK's folder and run `./weft build` (docs/gpu.md)");
    }
    throw new IllegalArgumentException("unknown backend " + name + "; known: auto, " + known);
  }
}
