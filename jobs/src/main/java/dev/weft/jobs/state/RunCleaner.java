package dev.weft.jobs.state;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.store.StorageErrors;
import java.io.IOException;
import java.util.function.Consumer;

/** Removes what a run keeps to go on. Results and metrics stay. */
public final class RunCleaner {
  private RunCleaner() {}

  /**
   * Removes a run's folder, holding the run so that nobody starts it meanwhile.
   *
   * @param force also if its results are not in the table: what it finished is lost then
   * @throws WeftException if it is alive, or not complete and {@code force} is not set
   */
  public static void remove(RunFolder folder, boolean force, Consumer<String> tell) {
    RunStatus before = RunStatus.of(folder);
    if (before.state() != RunStatus.State.COMPLETE && !force && !before.isRunning()) {
      throw new WeftException(
          ErrorCode.OPTION_INVALID,
          "run %s is not complete: removing it loses %d finished answers; --force does it anyway"
              .formatted(folder.runId(), before.results()));
    }
    Lease lease = Lease.take(folder, Lease.Times.USUAL, tell);
    try {
      folder.storage().delete(folder.path());
    } catch (IOException e) {
      throw StorageErrors.of(folder.path() + " cannot be removed", e);
    } finally {
      lease.withdraw();
    }
  }
}
