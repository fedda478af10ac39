package dev.weft.benchmarks.measure;

/** A peer cannot be used on this machine, or refused what it was asked; the message says why. */
public final class PeerException extends Exception {
  private static final long serialVersionUID = 1;

  public PeerException(String message) {
    super(message);
  }

  public PeerException(String message, Throwable cause) {
    super(message, cause);
  }
}
