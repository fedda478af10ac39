package dev.weft.benchmarks.cpu;

/** A peer cannot be used on this machine, or refused what it was asked; the message says why. */
final class PeerException extends Exception {
  private static final long serialVersionUID = 1;

  PeerException(String message) {
    super(message);
  }

  PeerException(String message, Throwable cause) {
    super(message, cause);
  }
}
