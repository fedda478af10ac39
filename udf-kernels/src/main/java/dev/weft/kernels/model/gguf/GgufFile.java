package dev.weft.kernels.model.gguf;

import static dev.weft.kernels.model.ModelFormatException.DAMAGED;

import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A memory-mapped GGUF file whose structure has been checked: counts, lengths, types, alignment,
 * names that occur twice, shapes, and that tensors lie inside the file and do not overlap. Memory
 * taken is bounded by the size of the file's header. Safe for many threads until closed. The file
 * must not be cut while it is open.
 */
public final class GgufFile implements AutoCloseable {
  private static final int MAGIC = 'G' | 'G' << 8 | 'U' << 16 | 'F' << 24;
  private static final int DEFAULT_ALIGNMENT = 32;
  private static final int MAX_ALIGNMENT = 1 << 20;
  private static final int MAX_NAME_BYTES = 1024;
  private static final int MAX_DIMENSIONS = 4;
  private static final int MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

  private final Path path;
  private final Arena arena;
  private final MemorySegment file;
  private final int version;
  private final GgufMetadata metadata;
  private final Map<String, GgufTensor> tensors;

  private GgufFile(
      Path path,
      Arena arena,
      MemorySegment file,
      int version,
      GgufMetadata metadata,
      Map<String, GgufTensor> tensors) {
    this.path = path;
    this.arena = arena;
    this.file = file;
    this.version = version;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /**
   * Maps a file and checks its structure.
   *
   * @throws ModelFormatException if the structure is broken or not supported
   * @throws IOException if the file cannot be read
   */
  public static GgufFile open(Path path) throws IOException {
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return read(
          path, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private static GgufFile read(Path path, Arena arena, MemorySegment file) {
    String name = path.toString();
    var cursor = new GgufCursor(file, name, 0);
    if (cursor.int32("the magic number") != MAGIC) {
      throw new ModelFormatException(
          "the file does not begin with GGUF", name, "Give a model file in GGUF format.");
    }
    int version = version(cursor.int32("the version"), name);
    long tensorCount = cursor.count(file.byteSize() / MIN_TENSOR_BYTES, "the number of tensors");
    long entryCount =
        cursor.count(GgufMetadata.maxEntries(file.byteSize()), "the number of metadata entries");
    GgufMetadata metadata = GgufMetadata.read(cursor, entryCount, file, name);
    int alignment = metadata.integer("general.alignment", 1, MAX_ALIGNMENT, DEFAULT_ALIGNMENT);
    if (Integer.bitCount(alignment) != 1) {
      throw metadata.wrong("general.alignment", "is " + alignment + ", must be a power of two");
    }
    var relative = new ArrayList<GgufTensor>();
    for (long i = 0; i < tensorCount; i++) {
      relative.add(readTensor(cursor, i, alignment));
    }
    long dataStart = (cursor.position() + alignment - 1) & -alignment;
    Map<String, GgufTensor> tensors = place(relative, dataStart, file.byteSize(), name);
    return new GgufFile(path, arena, file, version, metadata, tensors);
  }

  private static int version(int version, String name) {
    if (version == 2 || version == 3) {
      return version;
    }
    if (version == 1) {
      throw new ModelFormatException(
          "GGUF version 1 is not supported",
          name,
          "Convert the model to GGUF version 3 with a current converter.");
    }
    int reversed = Integer.reverseBytes(version);
    if (reversed >= 1 && reversed <= 3) {
      throw new ModelFormatException(
          "the file is big-endian", name, "Convert the model to little-endian GGUF.");
    }
    throw new ModelFormatException(
        "unknown GGUF version " + Integer.toUnsignedString(version),
        name,
        "Versions 2 and 3 are read; convert the model to one of them.");
  }

  /** Reads one tensor; its offset still counts from the beginning of the data. */
  private static GgufTensor readTensor(GgufCursor cursor, long index, int alignment) {
    String name = cursor.string(MAX_NAME_BYTES, "the name of tensor " + index);
    String what = "tensor " + name;
    Long[] shape = readShape(cursor, what);
    QuantFormat format = readFormat(cursor, what);
    if (shape[0] % format.blockElements() != 0) {
      throw cursor.malformed(
          "%s has rows of %d elements, not a whole number of %s blocks of %d"
              .formatted(what, shape[0], format, format.blockElements()));
    }
    long offset = cursor.int64(what);
    if (offset < 0 || offset % alignment != 0) {
      throw cursor.malformed(
          "%s has the data offset %s, not a multiple of the alignment %d"
              .formatted(what, Long.toUnsignedString(offset), alignment));
    }
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    return new GgufTensor(name, format, List.of(shape), offset, format.bytes(elements));
  }

  /** Dimensions whose product times 8 bytes fits a long. */
  private static Long[] readShape(GgufCursor cursor, String what) {
    int dimensions = cursor.int32(what);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw cursor.malformed(
          "%s has %s dimensions, must be 1 to %d"
              .formatted(what, Integer.toUnsignedString(dimensions), MAX_DIMENSIONS));
    }
    var shape = new Long[dimensions];
    long elements = 1;
    for (int d = 0; d < dimensions; d++) {
      shape[d] = cursor.int64(what);
      if (shape[d] < 1 || shape[d] > Long.MAX_VALUE / 8 / elements) {
        throw cursor.malformed(
            what + " has " + Long.toUnsignedString(shape[d]) + " elements in dimension " + d);
      }
      elements *= shape[d];
    }
    return shape;
  }

  private static QuantFormat readFormat(GgufCursor cursor, String what) {
    String where = cursor.where();
    int type = cursor.int32(what);
    return QuantFormat.ofGgmlType(type)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    what
                        + " has the ggml type "
                        + Integer.toUnsignedString(type)
                        + ", which is not supported",
                    where,
                    "Quantize the model to one of " + Arrays.toString(QuantFormat.values()) + "."));
  }

  private static Map<String, GgufTensor> place(
      List<GgufTensor> relative, long dataStart, long fileBytes, String file) {
    var placed = new ArrayList<GgufTensor>(relative.size());
    var byName = new LinkedHashMap<String, GgufTensor>();
    for (GgufTensor tensor : relative) {
      long room = fileBytes - dataStart;
      if (tensor.offset() > room || tensor.bytes() > room - tensor.offset()) {
        throw new ModelFormatException(
            "tensor %s of %d bytes at data offset %d ends behind the end of the file of %d bytes"
                .formatted(tensor.name(), tensor.bytes(), tensor.offset(), fileBytes),
            file,
            DAMAGED);
      }
      var absolute =
          new GgufTensor(
              tensor.name(),
              tensor.format(),
              tensor.shape(),
              dataStart + tensor.offset(),
              tensor.bytes());
      placed.add(absolute);
      if (byName.putIfAbsent(tensor.name(), absolute) != null) {
        throw new ModelFormatException("tensor " + tensor.name() + " occurs twice", file, DAMAGED);
      }
    }
    placed.sort(Comparator.comparingLong(GgufTensor::offset));
    for (int i = 1; i < placed.size(); i++) {
      GgufTensor before = placed.get(i - 1);
      GgufTensor after = placed.get(i);
      if (before.offset() + before.bytes() > after.offset()) {
        throw new ModelFormatException(
            "tensors " + before.name() + " and " + after.name() + " overlap", file, DAMAGED);
      }
    }
    return byName;
  }

  /** Where the file was opened. */
  public Path path() {
    return path;
  }

  /** 2 or 3. */
  public int version() {
    return version;
  }

  /** The key-value part. */
  public GgufMetadata metadata() {
    return metadata;
  }

  /** All tensors, in file order. */
  public Collection<GgufTensor> tensors() {
    return Collections.unmodifiableCollection(tensors.values());
  }

  /** The tensor of a name. */
  public Optional<GgufTensor> tensor(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /** The bytes of a tensor, read-only, valid until the file is closed. */
  public MemorySegment data(GgufTensor tensor) {
    return file.asSlice(tensor.offset(), tensor.bytes());
  }

  /** All bytes of the file, read-only, valid until the file is closed. */
  public MemorySegment bytes() {
    return file;
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
