package dev.weft.kernels.memory;

/** Off-heap memory that was asked for does not fit. The message has the numbers. */
public final class MemoryBudgetException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public MemoryBudgetException(String message) {
    super(message);
  }

  public MemoryBudgetException(String message, Throwable cause) {
    super(message, cause);
  }
}
