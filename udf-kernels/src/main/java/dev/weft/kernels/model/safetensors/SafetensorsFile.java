package dev.weft.kernels.model.safetensors;

import static dev.weft.kernels.model.ModelFormatException.DAMAGED;

import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Map;

/**
 * One memory-mapped file whose structure has been checked: the length of the header, its JSON, and
 * that the tensors cover the data exactly, without overlap and without holes, as the format wants.
 * Safe for many threads until the arena is closed. The file must not be cut while it is open.
 */
public final class SafetensorsFile {
  /** The limit of the format's own reader. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final MemorySegment file;
  private final Map<String, SafetensorsTensor> tensors;

  private SafetensorsFile(Path path, MemorySegment file, Map<String, SafetensorsTensor> tensors) {
    this.path = path;
    this.file = file;
    this.tensors = tensors;
  }

  /**
   * Maps a file and checks its structure.
   *
   * @param arena how long the file stays mapped; shared, if many threads use it
   * @throws ModelFormatException if the structure is broken or not supported
   * @throws IOException if the file cannot be read
   */
  public static SafetensorsFile open(Path path, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return read(path, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    }
  }

  private static SafetensorsFile read(Path path, MemorySegment file) {
    String where = path.toString();
    long size = file.byteSize();
    if (size < LENGTH_BYTES) {
      throw new ModelFormatException(
          "the file has " + size + " bytes, less than the length of a header", where, DAMAGED);
    }
    long headerBytes = file.get(LENGTH, 0);
    long most = Math.min(MAX_HEADER_BYTES, size - LENGTH_BYTES);
    if (headerBytes < 2 || headerBytes > most) {
      throw new ModelFormatException(
          "the header should have %s bytes, but 2 to %d can be here"
              .formatted(Long.toUnsignedString(headerBytes), most),
          where,
          "The file is no safetensors file, damaged or cut off: download or convert it again.");
    }
    MemorySegment header = file.asSlice(LENGTH_BYTES, headerBytes);
    if (header.get(ValueLayout.JAVA_BYTE, 0) != '{') {
      throw new ModelFormatException("the header does not begin with {", where, DAMAGED);
    }
    long dataStart = LENGTH_BYTES + headerBytes;
    var reader = new HeaderReader(where, dataStart, size - dataStart);
    Map<String, SafetensorsTensor> tensors = reader.read(header.asByteBuffer());
    requireCovered(tensors, dataStart, size, where);
    return new SafetensorsFile(path, file, Collections.unmodifiableMap(tensors));
  }

  /** Refuses tensors that overlap and bytes that belong to none. */
  private static void requireCovered(
      Map<String, SafetensorsTensor> tensors, long dataStart, long size, String where) {
    var placed = new ArrayList<>(tensors.values());
    placed.sort(
        Comparator.comparingLong(SafetensorsTensor::offset)
            .thenComparingLong(SafetensorsTensor::bytes));
    long covered = dataStart;
    String before = "the header";
    for (SafetensorsTensor tensor : placed) {
      if (tensor.offset() < covered) {
        throw new ModelFormatException(
            "tensors " + before + " and " + tensor.name() + " overlap", where, DAMAGED);
      }
      if (tensor.offset() > covered) {
        throw new ModelFormatException(
            "%d bytes between %s and tensor %s belong to no tensor"
                .formatted(tensor.offset() - covered, before, tensor.name()),
            where,
            DAMAGED);
      }
      covered += tensor.bytes();
      before = tensor.name();
    }
    if (covered != size) {
      throw new ModelFormatException(
          "the last %d bytes of the file belong to no tensor".formatted(size - covered),
          where,
          DAMAGED);
    }
  }

  /** Where the file was opened. */
  public Path path() {
    return path;
  }

  /** All tensors by name, in the order of the header. */
  public Map<String, SafetensorsTensor> tensors() {
    return tensors;
  }

  /** The bytes of a tensor, read-only, valid until the arena is closed. */
  public MemorySegment data(SafetensorsTensor tensor) {
    return file.asSlice(tensor.offset(), tensor.bytes());
  }
}
