package dev.weft.kernels.backend;

import java.util.List;
import java.util.OptionalLong;

/** Makes a kernel backend known through {@link java.util.ServiceLoader}. */
public interface BackendProvider {
  /** Lower-case name as in the configuration. */
  String name();

  /** {@code auto} takes the available backend of the highest priority. */
  int priority();

  /** Probes without side effects; must not throw. */
  Availability availability();

  /**
   * Names of its devices by their numbers, each with its kind (GPU, CPU, accelerator) and driver:
   * what is measured on one is never used for one of another name. None for the CPU's backends.
   */
  default List<String> devices() {
    return List.of();
  }

  /** Memory of a device that has its own; empty where the host's is used. */
  default OptionalLong memoryBytes(int device) {
    return OptionalLong.empty();
  }

  /**
   * Whether kernels are compiled when a model first needs them, which takes seconds: an engine then
   * runs steps of all kinds before its first request, and a calibration before it measures.
   */
  default boolean compilesAtFirstUse() {
    return false;
  }

  /** Whether its kernels must be faster than a loop in plain Java, else something is wrong. */
  default boolean fasterThanPlainJava() {
    return true;
  }

  Backend open(BackendConfig config);
}
