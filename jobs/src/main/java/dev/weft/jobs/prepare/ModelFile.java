package dev.weft.jobs.prepare;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.kernels.model.HuggingFaceFolder;
import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;

/**
 * A model, GGUF file or Hugging Face folder, as all hosts of a job must have it.
 *
 * @param path as configured: a local path, or one of a Hadoop file system
 * @param bytes length of its files
 * @param sha256 hash of the file's content, hex; of a folder that of a line {@code hash name} for
 *     each of its files
 * @param cacheFolder local folder for what is fetched
 */
public record ModelFile(String path, long bytes, String sha256, String cacheFolder)
    implements Serializable {
  /** Files that this process has found to be whole, by path, length and modification time. */
  private static final ConcurrentMap<String, String> HASHES = new ConcurrentHashMap<>();

  /** Length and hash of what lies at a local path. */
  private record Content(long bytes, String sha256) {}

  /**
   * Finds the model from the driver, fetching it if it is not local.
   *
   * @throws WeftException if it is not there
   */
  public static ModelFile find(String path, String cacheFolder, Configuration hadoop) {
    if (path.isBlank()) {
      throw new WeftException(ErrorCode.OPTION_INVALID, "model.path is not set");
    }
    try {
      Path local;
      if (isLocal(path)) {
        local = localPath(path);
        if (!Files.isRegularFile(local) && !Files.isDirectory(local)) {
          throw new WeftException(ErrorCode.MODEL_NOT_FOUND, local + " does not exist");
        }
      } else {
        var remote = new org.apache.hadoop.fs.Path(path);
        if (!remote.getFileSystem(hadoop).exists(remote)) {
          throw new WeftException(ErrorCode.MODEL_NOT_FOUND, path + " does not exist");
        }
        local = fetch(path, null, cacheFolder, hadoop);
      }
      Content content = content(local);
      return new ModelFile(path, content.bytes, content.sha256, cacheFolder);
    } catch (ModelFormatException e) {
      throw new WeftException(ErrorCode.MODEL_UNREADABLE, e.getMessage(), e);
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.MODEL_UNREADABLE, path + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * The model on this host, checked against length and hash; fetched if the path is not local.
   *
   * @throws WeftException if it is missing or another one
   */
  public Path local(Configuration hadoop) {
    try {
      if (!isLocal(path)) {
        return fetch(path, this, cacheFolder, hadoop);
      }
      Path local = localPath(path);
      if (!Files.exists(local)) {
        throw new WeftException(ErrorCode.MODEL_DIFFERS, local + " is not on this host");
      }
      Content content = content(local);
      if (!isThis(content)) {
        throw new WeftException(
            ErrorCode.MODEL_DIFFERS,
            "%s on this host has %d bytes and is not the model of the driver, which has %d"
                .formatted(local, content.bytes, bytes));
      }
      return local;
    } catch (ModelFormatException | IOException e) {
      throw new WeftException(
          ErrorCode.MODEL_DIFFERS, path + " cannot be read: " + e.getMessage(), e);
    }
  }

  private boolean isThis(Content content) {
    return content.bytes == bytes && content.sha256.equals(sha256);
  }

  private static boolean isLocal(String path) {
    String scheme = new org.apache.hadoop.fs.Path(path).toUri().getScheme();
    return scheme == null || scheme.equals("file");
  }

  private static Path localPath(String path) {
    return Path.of(new org.apache.hadoop.fs.Path(path).toUri().getPath());
  }

  private static Content content(Path model) throws IOException {
    if (!Files.isDirectory(model)) {
      return new Content(Files.size(model), hash(model));
    }
    long bytes = 0;
    var lines = new StringBuilder();
    for (Path file : HuggingFaceFolder.files(model)) {
      bytes += Files.size(file);
      lines.append(hash(file)).append(' ').append(file.getFileName()).append('\n');
    }
    return new Content(bytes, hashOf(lines.toString()));
  }

  /**
   * Copies a remote model into the cache, unless it is there; a half copy never has the final name.
   *
   * @param known what it must be, or null if that is not known yet
   */
  private static Path fetch(String path, ModelFile known, String cacheFolder, Configuration hadoop)
      throws IOException {
    var remote = new org.apache.hadoop.fs.Path(path);
    FileSystem fs = remote.getFileSystem(hadoop);
    List<FileStatus> files = files(fs, remote);
    boolean folder = fs.getFileStatus(remote).isDirectory();
    Path models = Files.createDirectories(Path.of(cacheFolder, "models"));
    String key = known != null ? known.sha256 : hashOf(path + "@" + versions(files));
    Path target = models.resolve(folder ? key : key + ".gguf");
    if (Files.exists(target) && (known == null || known.isThis(content(target)))) {
      return target;
    }
    Path aside = folder ? Files.createTempDirectory(models, key) : models.resolve(aside(key));
    try {
      for (FileStatus file : files) {
        try (InputStream in = fs.open(file.getPath())) {
          Files.copy(in, folder ? aside.resolve(file.getPath().getName()) : aside);
        }
      }
      if (known != null && !known.isThis(content(aside))) {
        throw new WeftException(ErrorCode.MODEL_DIFFERS, path + " changed since the job began");
      }
      moveInto(aside, target, folder);
      return target;
    } finally {
      delete(aside);
    }
  }

  private static String aside(String key) {
    return key + "-" + ProcessHandle.current().pid() + "-" + System.nanoTime() + ".part";
  }

  /** Lengths and times of change: another version of the files has another name in the cache. */
  private static String versions(List<FileStatus> files) {
    var versions = new StringBuilder();
    for (FileStatus file : files) {
      versions
          .append(file.getPath().getName())
          .append(':')
          .append(file.getLen())
          .append(':')
          .append(file.getModificationTime())
          .append(' ');
    }
    return versions.toString();
  }

  /** The file, or the files of the folder that make the model. */
  private static List<FileStatus> files(FileSystem fs, org.apache.hadoop.fs.Path remote)
      throws IOException {
    if (!fs.getFileStatus(remote).isDirectory()) {
      return List.of(fs.getFileStatus(remote));
    }
    var byName = new TreeMap<String, FileStatus>();
    for (FileStatus file : fs.listStatus(remote)) {
      if (file.isFile()) {
        byName.put(file.getPath().getName(), file);
      }
    }
    return HuggingFaceFolder.files(byName.keySet()).stream().map(byName::get).toList();
  }

  /** Another process may have put the same folder there in the meantime; then its copy stays. */
  private static void moveInto(Path aside, Path target, boolean folder) throws IOException {
    try {
      if (folder && Files.exists(target)) {
        delete(target);
      }
      Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException e) {
      if (!folder || !Files.isDirectory(target)) {
        throw e;
      }
    }
  }

  /** A file, or a folder of files. */
  private static void delete(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      try (var files = Files.list(path)) {
        for (Path file : files.toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
    Files.deleteIfExists(path);
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
    return HexFormat.of().formatHex(hash);
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
