package dev.weft.jobs.store;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Locale;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.ParentNotDirectoryException;

/**
 * Tells what storage lacks from the errors of its file systems, each of which has its own words.
 */
public final class StorageErrors {
  private StorageErrors() {}

  /** Stops the job with what storage lacks. */
  public static WeftException of(String what, Throwable e) {
    return new WeftException(codeOf(e), what + ": " + reason(e), e);
  }

  /** Whether something within this error came from storage. */
  public static boolean within(Throwable e) {
    for (Throwable t = e; t != null; t = next(t)) {
      if (t instanceof IOException || t instanceof FSError) {
        return true;
      }
    }
    return false;
  }

  /** What storage lacks. */
  public static ErrorCode codeOf(Throwable e) {
    for (Throwable t = e; t != null; t = next(t)) {
      String type = t.getClass().getSimpleName();
      String text = String.valueOf(t.getMessage()).toLowerCase(Locale.ROOT);
      if (type.contains("QuotaExceeded") || text.contains("quota exceeded")) {
        return ErrorCode.STORAGE_QUOTA;
      }
      if (type.equals("ClusterStorageCapacityExceededException")
          || type.equals("DiskOutOfSpaceException")
          || text.contains("no space left on device")
          || text.contains("not enough space")) {
        return ErrorCode.STORAGE_FULL;
      }
      if (type.equals("AccessControlException")
          || type.equals("AccessDeniedException")
          || type.equals("ReadOnlyFileSystemException")
          || type.equals("SafeModeException")
          || text.contains("read-only file system")
          || text.contains("permission denied")) {
        return ErrorCode.STORAGE_DENIED;
      }
    }
    return ErrorCode.STORAGE_FAILED;
  }

  /** Whether trying again at once can help. */
  static boolean mayPass(IOException e) {
    return !(e instanceof FileNotFoundException)
        && !(e instanceof FileAlreadyExistsException)
        && !(e instanceof ParentNotDirectoryException)
        && codeOf(e) == ErrorCode.STORAGE_FAILED;
  }

  /** The innermost words. */
  public static String reason(Throwable e) {
    Throwable last = e;
    while (next(last) != null) {
      last = next(last);
    }
    return last.getClass().getSimpleName()
        + (last.getMessage() == null ? "" : ": " + last.getMessage());
  }

  private static Throwable next(Throwable t) {
    return t.getCause() == t ? null : t.getCause();
  }
}
