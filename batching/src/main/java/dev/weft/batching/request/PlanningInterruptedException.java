package dev.weft.batching.request;

/** Planning was stopped because its thread was interrupted. The interrupt status stays set. */
public final class PlanningInterruptedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private PlanningInterruptedException() {
    super("planning was interrupted");
  }

  /** Throws this if the current thread is interrupted. Called inside long loops. */
  public static void check() {
    if (Thread.currentThread().isInterrupted()) {
      throw new PlanningInterruptedException();
    }
  }
}
