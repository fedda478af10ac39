package dev.weft.jobs.prepare;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/**
 * A model file as all hosts of a job must have it.
 *
 * @param path as configured: a local path, or one of a Hadoop file system
 * @param bytes its length
 * @param sha256 hash of its content, hex
 * @param cacheFolder local folder for files that are fetched
 */
public record ModelFile(String path, long bytes, String sha256, String cacheFolder)
    implements Serializable {
  /** Files that this process has found to be whole, by path, length and modification time. */
  private static final ConcurrentMap<String, String> HASHES = new ConcurrentHashMap<>();

  /**
   * Finds the file from the driver, fetching it if it is not local.
   *
   * @throws WeftException if it is not there
   */
  public static ModelFile find(String path, String cacheFolder, Configuration hadoop) {
    if (path.isBlank()) {
      throw new WeftException(ErrorCode.OPTION_INVALID, "model.path is not set");
    }
    try {
      if (isLocal(path)) {
        Path local = localPath(path);
        if (!Files.isRegularFile(local)) {
          throw new WeftException(
              ErrorCode.MODEL_NOT_FOUND,
              local
                  + (Files.isDirectory(local)
                      ? " is a folder, not a model file"
                      : " does not exist"));
        }
        return new ModelFile(path, Files.size(local), hash(local), cacheFolder);
      }
      var remote = new org.apache.hadoop.fs.Path(path);
      FileSystem fs = remote.getFileSystem(hadoop);
      if (!fs.exists(remote)) {
        throw new WeftException(ErrorCode.MODEL_NOT_FOUND, path + " does not exist");
      }
      Path fetched = fetch(path, fs.getFileStatus(remote).getLen(), null, cacheFolder, hadoop);
      return new ModelFile(path, Files.size(fetched), hash(fetched), cacheFolder);
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.MODEL_UNREADABLE, path + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * The file on this host, checked against length and hash; fetched if the path is not local.
   *
   * @throws WeftException if it is missing or another file
   */
  public Path local(Configuration hadoop) {
    try {
      if (!isLocal(path)) {
        return fetch(path, bytes, sha256, cacheFolder, hadoop);
      }
      Path local = localPath(path);
      if (!Files.isRegularFile(local)) {
        throw new WeftException(ErrorCode.MODEL_DIFFERS, local + " is not on this host");
      }
      if (Files.size(local) != bytes || !hash(local).equals(sha256)) {
        throw new WeftException(
            ErrorCode.MODEL_DIFFERS,
            "%s on this host has %d bytes and is not the file of the driver, which has %d"
                .formatted(local, Files.size(local), bytes));
      }
      return local;
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.MODEL_DIFFERS, path + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static boolean isLocal(String path) {
    String scheme = new org.apache.hadoop.fs.Path(path).toUri().getScheme();
    return scheme == null || scheme.equals("file");
  }

  private static Path localPath(String path) {
    return Path.of(new org.apache.hadoop.fs.Path(path).toUri().getPath());
  }

  /**
   * Copies a remote file into the cache, unless it is there; a half copy never has the final name.
   */
  private static Path fetch(
      String path, long bytes, String sha256, String cacheFolder, Configuration hadoop)
      throws IOException {
    Path folder = Files.createDirectories(Path.of(cacheFolder, "models"));
    String key = sha256 != null ? sha256 : hashOf(path + "@" + bytes);
    Path target = folder.resolve(key + ".gguf");
    if (Files.isRegularFile(target)
        && Files.size(target) == bytes
        && (sha256 == null || hash(target).equals(sha256))) {
      return target;
    }
    Path aside = Files.createTempFile(folder, key, ".part");
    try {
      var remote = new org.apache.hadoop.fs.Path(path);
      try (InputStream in = remote.getFileSystem(hadoop).open(remote)) {
        Files.copy(in, aside, StandardCopyOption.REPLACE_EXISTING);
      }
      if (Files.size(aside) != bytes || (sha256 != null && !hash(aside).equals(sha256))) {
        throw new WeftException(ErrorCode.MODEL_DIFFERS, path + " changed since the job began");
      }
      Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
      return target;
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  private static String hash(Path file) throws IOException {
    String key = file.toRealPath() + "@" + Files.size(file) + "@" + Files.getLastModifiedTime(file);
    String known = HASHES.get(key);
    if (known != null) {
      return known;
    }
    MessageDigest digest = newDigest();
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      byte[] buffer = new byte[1 << 20];
      while (in.read(buffer) >= 0) {
        // Reading feeds the digest.
      }
    }
    String hash = HexFormat.of().formatHex(digest.digest());
    HASHES.put(key, hash);
    return hash;
  }

  private static String hashOf(String text) {
    byte[] hash = newDigest().digest(text.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash, 0, 16);
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
