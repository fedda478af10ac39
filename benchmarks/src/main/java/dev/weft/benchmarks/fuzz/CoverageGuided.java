package dev.weft.benchmarks.fuzz;

/**
 * The targets for Jazzer, which makes inputs that reach new code. It is no dependency: {@code
 * benchmarks/README.md} says how to start it.
 */
public final class CoverageGuided {
  private static FuzzTarget target;

  private CoverageGuided() {}

  /** Called once by Jazzer with {@code --target_args=TARGET}. */
  public static void fuzzerInitialize(String[] args) throws Exception {
    target = FuzzTargets.open(args[0]);
  }

  /** Called by Jazzer for each input. */
  public static void fuzzerTestOneInput(byte[] bytes) throws Exception {
    FuzzTarget.Input input = target.of(bytes);
    try {
      input.read();
    } catch (Throwable e) {
      if (!input.documents(e)) {
        throw e;
      }
    }
  }
}
