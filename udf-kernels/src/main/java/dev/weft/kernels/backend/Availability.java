package dev.weft.kernels.backend;

/**
 * Whether a backend can run in this process.
 *
 * @param reason empty if available; else why not, and how to get it
 */
public record Availability(boolean available, String reason) {
  public static final Availability YES = new Availability(true, "");

  public static Availability no(String reason) {
    return new Availability(false, reason);
  }
}
