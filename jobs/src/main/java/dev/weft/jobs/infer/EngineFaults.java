package dev.weft.jobs.infer;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.kernels.engine.EngineException;
import dev.weft.kernels.memory.MemoryBudgetException;

/** Errors of engines and kernels by their place in the catalogue. */
final class EngineFaults {
  private EngineFaults() {}

  /** What stops a job where an engine, or what it is made of, failed with this error. */
  static ErrorCode code(Throwable error) {
    return switch (error) {
      case EngineException e ->
          switch (e.kind()) {
            case HUNG -> ErrorCode.ENGINE_HUNG;
            case OUT_OF_MEMORY -> ErrorCode.MEMORY_TOO_SMALL;
            case REFUSED, FAILED -> ErrorCode.ENGINE_BROKEN;
          };
      case OutOfMemoryError _, MemoryBudgetException _ -> ErrorCode.MEMORY_TOO_SMALL;
      default -> ErrorCode.ENGINE_BROKEN;
    };
  }
}
