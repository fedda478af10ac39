package dev.weft.kernels.model.safetensors;

import static dev.weft.kernels.model.ModelFormatException.DAMAGED;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The weights of a model folder: {@value #SINGLE}, the shards that {@value #INDEX} names, or the
 * only {@code *.safetensors} file there is. Every tensor of the index must be in its shard, and
 * every tensor of a shard in the index. Safe for many threads until closed.
 */
public final class SafetensorsFolder implements AutoCloseable {
  private static final String SUFFIX = ".safetensors";
  private static final String SINGLE = "model" + SUFFIX;
  private static final String INDEX = SINGLE + ".index.json";
  private static final long MAX_INDEX_BYTES = 100_000_000;
  private static final int MAX_SHARDS = 4096;

  private final Arena arena;
  private final List<Path> files;
  private final Map<String, Entry> entries;

  private record Entry(SafetensorsFile file, SafetensorsTensor tensor) {}

  private SafetensorsFolder(Arena arena, List<Path> files, Map<String, Entry> entries) {
    this.arena = arena;
    this.files = files;
    this.entries = entries;
  }

  /**
   * The files that hold the weights, and the index if they are many; nothing but the index is read.
   *
   * @throws ModelFormatException if there are none, or the index names one that must not be read
   * @throws IOException if the folder cannot be read
   */
  public static List<Path> files(Path folder) throws IOException {
    Path index = folder.resolve(INDEX);
    if (Files.exists(folder.resolve(SINGLE)) || !Files.exists(index)) {
      return List.of(single(folder));
    }
    var names = new TreeSet<>(weightMap(folder).values());
    var files = new ArrayList<Path>();
    files.add(index);
    for (String name : names) {
      files.add(shard(folder, name, index.toString()));
    }
    return List.copyOf(files);
  }

  /**
   * Maps all files and checks their structure.
   *
   * @throws ModelFormatException if something is broken, missing or not supported
   * @throws IOException if a file cannot be read
   */
  public static SafetensorsFolder open(Path folder) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      List<Path> files = files(folder);
      var entries = new LinkedHashMap<String, Entry>();
      for (Path file : files) {
        if (file.getFileName().toString().equals(INDEX)) {
          continue;
        }
        SafetensorsFile shard = SafetensorsFile.open(file, arena);
        for (SafetensorsTensor tensor : shard.tensors().values()) {
          Entry other = entries.putIfAbsent(tensor.name(), new Entry(shard, tensor));
          if (other != null) {
            throw new ModelFormatException(
                "tensor %s is in %s and in %s"
                    .formatted(tensor.name(), other.file.path().getFileName(), file.getFileName()),
                folder.toString(),
                DAMAGED);
          }
        }
      }
      if (files.size() > 1) {
        requireIndexed(folder, entries);
      }
      return new SafetensorsFolder(arena, files, Collections.unmodifiableMap(entries));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private static Path single(Path folder) throws IOException {
    Path usual = folder.resolve(SINGLE);
    if (Files.exists(usual)) {
      return inside(folder, usual);
    }
    List<Path> found;
    boolean pickled;
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> all = files.sorted().toList();
      found = all.stream().filter(f -> f.getFileName().toString().endsWith(SUFFIX)).toList();
      pickled = all.stream().anyMatch(f -> f.getFileName().toString().endsWith(".bin"));
    }
    if (found.size() == 1) {
      return inside(folder, found.getFirst());
    }
    if (found.isEmpty()) {
      throw new ModelFormatException(
          "the folder has no *" + SUFFIX + " file",
          folder.toString(),
          pickled
              ? "Pickled weights (*.bin) can run code and are not read: save the model as"
                  + " safetensors."
              : "Give a GGUF file, or a Hugging Face folder with weights in safetensors.");
    }
    throw new ModelFormatException(
        "the folder has " + found.size() + " *" + SUFFIX + " files, but no " + INDEX,
        folder.toString(),
        "Download the index too, or leave only the file of the model.");
  }

  /** Shard by tensor name, as the index says. */
  private static Map<String, String> weightMap(Path folder) throws IOException {
    Path file = inside(folder, folder.resolve(INDEX));
    JsonObject map = JsonObject.read(file, MAX_INDEX_BYTES).object("weight_map");
    var shards = new TreeMap<String, String>();
    for (String tensor : map.keys()) {
      shards.put(tensor, map.string(tensor));
    }
    if (shards.isEmpty()) {
      throw new ModelFormatException("key weight_map is empty", file.toString(), DAMAGED);
    }
    long count = shards.values().stream().distinct().count();
    if (count > MAX_SHARDS) {
      throw new ModelFormatException(
          "key weight_map names " + count + " files, at most " + MAX_SHARDS + " are read",
          file.toString(),
          DAMAGED);
    }
    return shards;
  }

  /** A file that the index names: a plain name in the folder, whatever strangers wrote there. */
  private static Path shard(Path folder, String name, String index) throws IOException {
    boolean plain =
        name.endsWith(SUFFIX)
            && !name.startsWith(".")
            && name.codePoints().allMatch(SafetensorsFolder::isPlain);
    if (!plain) {
      throw new ModelFormatException(
          "the index names the file \"" + name + "\", which is no plain *" + SUFFIX + " name",
          index,
          DAMAGED);
    }
    Path file = resolve(folder, name, index);
    if (!Files.exists(file)) {
      throw new ModelFormatException(
          "the index names the file " + name + ", which is not there",
          index,
          "Download the missing file.");
    }
    return inside(folder, file);
  }

  /** In a locale without UTF-8 not every name is one of a file, and asking for it throws. */
  private static Path resolve(Path folder, String name, String index) {
    try {
      return folder.resolve(name);
    } catch (InvalidPathException e) {
      throw new ModelFormatException(
          "the index names the file \""
              + name
              + "\", which this system cannot name: "
              + e.getReason(),
          index,
          "If the file is there, set a UTF-8 locale, for example LC_ALL=C.UTF-8.");
    }
  }

  /** Half a surrogate pair cannot be in the name of a file: asking for it throws. */
  private static boolean isPlain(int c) {
    return c >= ' '
        && c != '/'
        && c != '\\'
        && c != ':'
        && Character.getType(c) != Character.SURROGATE;
  }

  /**
   * Refuses what is no regular file, and links that lead out of the folder. In the cache of the
   * Hugging Face hub a snapshot is made of links to {@code blobs} beside {@code snapshots}; those
   * may be followed.
   */
  public static Path inside(Path folder, Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new ModelFormatException(
          file.getFileName() + " is no regular file", folder.toString(), DAMAGED);
    }
    Path real = file.toRealPath();
    Path home = folder.toRealPath();
    Path snapshots = home.getParent();
    boolean inBlobs =
        snapshots != null
            && snapshots.endsWith("snapshots")
            && real.startsWith(snapshots.resolveSibling("blobs"));
    if (!real.startsWith(home) && !inBlobs) {
      throw new ModelFormatException(
          file.getFileName() + " is a link that leads out of the folder",
          folder.toString(),
          "Copy the file itself into the folder.");
    }
    return file;
  }

  private static void requireIndexed(Path folder, Map<String, Entry> entries) throws IOException {
    Map<String, String> index = weightMap(folder);
    String where = folder.resolve(INDEX).toString();
    index.forEach(
        (tensor, shard) -> {
          Entry entry = entries.get(tensor);
          if (entry == null || !entry.file.path().getFileName().toString().equals(shard)) {
            throw new ModelFormatException(
                "tensor " + tensor + " is not in " + shard + ", where the index says it is",
                where,
                DAMAGED);
          }
        });
    for (String tensor : entries.keySet()) {
      if (!index.containsKey(tensor)) {
        throw new ModelFormatException(
            "tensor %s of %s is not in the index"
                .formatted(tensor, entries.get(tensor).file.path().getFileName()),
            where,
            DAMAGED);
      }
    }
  }

  /** The files that were opened, the index with them. */
  public List<Path> files() {
    return files;
  }

  /** All tensors, file by file. */
  public Collection<SafetensorsTensor> tensors() {
    return entries.values().stream().map(Entry::tensor).toList();
  }

  /** The tensor of a name. */
  public Optional<SafetensorsTensor> tensor(String name) {
    return Optional.ofNullable(entries.get(name)).map(Entry::tensor);
  }

  /** The file that holds a tensor. */
  public Path fileOf(SafetensorsTensor tensor) {
    return entries.get(tensor.name()).file.path();
  }

  /** The bytes of a tensor, read-only, valid until the folder is closed. */
  public MemorySegment data(SafetensorsTensor tensor) {
    return entries.get(tensor.name()).file.data(tensor);
  }

  /** Unmaps the files. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
