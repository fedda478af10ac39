package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.memory.MemoryBudgetException;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import uk.ac.manchester.tornado.api.exceptions.TornadoInternalError;
import uk.ac.manchester.tornado.api.exceptions.TornadoMemoryException;
import uk.ac.manchester.tornado.api.exceptions.TornadoOutOfMemoryException;

/**
 * Names the errors of a device. What leaves it holds no type of TornadoVM: a driver of Spark, which
 * has no TornadoVM, must be able to read the errors of its executors.
 *
 * @param device its name
 */
record DeviceFaults(String device) {
  private static final Pattern CUDA_STATUS = Pattern.compile("cuMemAlloc status=(\\d+)");
  private static final String CUDA_OUT_OF_MEMORY = "2";

  /**
   * Runs what may fail on the device.
   *
   * @throws MemoryBudgetException if the device is out of memory
   * @throws DeviceException if it fails otherwise
   */
  <T> T named(Supplier<T> work) {
    try {
      return work.get();
    } catch (MemoryBudgetException | DeviceException e) {
      throw e;
    } catch (RuntimeException | TornadoInternalError e) {
      if (isOutOfMemory(e)) {
        throw new MemoryBudgetException(
            "%s is out of memory (%s): take a smaller engine.kvBytes, engine.budgetTokens or model, or engine.kvFormat f16; if others use it too, give each its own"
                .formatted(device, firstLine(e)),
            portable(e));
      }
      throw new DeviceException("%s failed: %s".formatted(device, e), portable(e));
    }
  }

  void named(Runnable work) {
    named(
        () -> {
          work.run();
          return null;
        });
  }

  /** TornadoVM adds colours, and a hint at a limit that Weft has lifted. */
  private static String firstLine(Throwable thrown) {
    return String.valueOf(thrown.getMessage()).split("[\\n\\u001b]", 2)[0].strip();
  }

  /** Text and stack of an error and of its causes. */
  private static Throwable portable(Throwable thrown) {
    Throwable cause = thrown.getCause();
    Throwable copy =
        new RuntimeException(
            thrown.toString(), cause == null || cause == thrown ? null : portable(cause));
    copy.setStackTrace(thrown.getStackTrace());
    return copy;
  }

  private static boolean isOutOfMemory(Throwable thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause() == t ? null : t.getCause()) {
      if (t instanceof TornadoOutOfMemoryException || t instanceof TornadoMemoryException) {
        // After a fault of its own CUDA answers every call with that, allocations too.
        Matcher status = CUDA_STATUS.matcher(String.valueOf(t.getMessage()));
        return !status.find() || status.group(1).equals(CUDA_OUT_OF_MEMORY);
      }
    }
    return false;
  }
}
