package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;

/** The main class of a process that adds two rows on the device and says what came of it. */
final class OpenAndCompute {
  private OpenAndCompute() {}

  public static void main(String[] args) {
    try (Backend backend = Backends.find("tornado").open(new BackendConfig(1))) {
      Activations sum = backend.allocate(1, 64);
      Activations one = backend.allocate(1, 64);
      float[] ones = new float[64];
      java.util.Arrays.fill(ones, 1);
      one.write(0, ones, 0, 64);
      backend.add(sum, 1, one);
      backend.add(sum, 1, one);
      sum.read(0, ones, 0, 64);
      System.out.println("computed " + ones[63]);
    } catch (RuntimeException e) {
      System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
    }
  }
}
