package dev.weft.jobs.store;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * Small files that change: each version is a file of its own, named with its number, length and
 * CRC-32C, and the newest whole one counts. So a crash at any moment leaves the version before.
 */
public final class Versions {
  private static final Pattern NAME =
      Pattern.compile("(.+)-v(\\d{1,9})-b(\\d{1,9})-([0-9a-f]{8})(\\.\\w+)");
  private static final int READS = 5;

  private Versions() {}

  private record Version(Path file, long length, int number, int bytes, int crc32c) {
    boolean isLong() {
      return length == bytes;
    }
  }

  /** The content of the newest whole version; empty if there is none. */
  public static Optional<byte[]> newest(Storage storage, Path file) throws IOException {
    for (int left = READS; ; left--) {
      try {
        for (Version version : list(storage, file)) {
          if (version.isLong()) {
            byte[] content = storage.read(version.file, version.bytes);
            if (crc32c(content) == version.crc32c) {
              return Optional.of(content);
            }
          }
        }
        return Optional.empty();
      } catch (FileNotFoundException e) {
        // A newer version took its place between the listing and now.
        if (left == 0) {
          throw e;
        }
      }
    }
  }

  /** Adds a version and removes those before it. */
  public static void write(Storage storage, Path file, byte[] content) throws IOException {
    List<Version> before = list(storage, file);
    int number = before.isEmpty() ? 1 : before.getFirst().number + 1;
    storage.put(path(file, number, content), content);
    for (Version version : before) {
      try {
        storage.delete(version.file);
      } catch (IOException e) {
        // It is older than what was written, so nobody reads it; the next write tries again.
        continue;
      }
    }
  }

  /** The newest first; of equal numbers, which two writers may take, one order for all. */
  private static List<Version> list(Storage storage, Path file) throws IOException {
    List<Version> versions = new ArrayList<>();
    for (FileStatus status : storage.list(file.getParent())) {
      Matcher m = NAME.matcher(status.getPath().getName());
      if (m.matches() && (m.group(1) + m.group(5)).equals(file.getName())) {
        versions.add(
            new Version(
                status.getPath(),
                status.getLen(),
                Integer.parseInt(m.group(2)),
                Integer.parseInt(m.group(3)),
                Integer.parseUnsignedInt(m.group(4), 16)));
      }
    }
    versions.sort(
        Comparator.comparingInt(Version::number).thenComparingInt(Version::crc32c).reversed());
    return versions;
  }

  private static Path path(Path file, int number, byte[] content) {
    String name = file.getName();
    int dot = name.lastIndexOf('.');
    return new Path(
        file.getParent(),
        "%s-v%d-b%d-%08x%s"
            .formatted(
                name.substring(0, dot),
                number,
                content.length,
                crc32c(content),
                name.substring(dot)));
  }

  /** Checksum of a content. */
  public static int crc32c(byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(content);
    return (int) crc.getValue();
  }
}
