package dev.weft.kernels.model.gguf;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.quant.QuantFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes GGUF files of version 3, for synthetic models and tests. Metadata and tensors are named
 * first; {@link #write} then asks for the values of one row at a time, so that a model of any size
 * is written with the memory of one row.
 */
public final class GgufWriter {
  private static final int ALIGNMENT = 32;
  private static final int BUFFER_BYTES = 1 << 20;

  /** Gives the values of a matrix. */
  @FunctionalInterface
  public interface Rows {
    /** Fills {@code values}, one row's elements, with row {@code row}; rows are asked in order. */
    void fill(long row, float[] values);
  }

  /** A tensor to be written; {@code rows} is null where all bytes are zero. */
  private record Entry(QuantFormat format, int columns, long rowCount, Rows rows) {
    long bytes() {
      return Math.multiplyExact(rowCount, format.bytes(columns));
    }
  }

  private final ByteArrayOutputStream metadata = new ByteArrayOutputStream();
  private final ByteArrayOutputStream infos = new ByteArrayOutputStream();
  private final Set<String> keys = new HashSet<>();
  private final Set<String> names = new HashSet<>();
  private final List<Entry> entries = new ArrayList<>();
  private long dataBytes;

  /** A string. */
  public GgufWriter put(String key, String value) {
    key(key, GgufType.STRING);
    string(metadata, value);
    return this;
  }

  /** An integer, as unsigned 32 bits. */
  public GgufWriter put(String key, int value) {
    key(key, GgufType.UINT32);
    int32(metadata, value);
    return this;
  }

  /** A 32-bit float. */
  public GgufWriter put(String key, float value) {
    key(key, GgufType.FLOAT32);
    int32(metadata, Float.floatToRawIntBits(value));
    return this;
  }

  /** A boolean. */
  public GgufWriter put(String key, boolean value) {
    key(key, GgufType.BOOL);
    metadata.write(value ? 1 : 0);
    return this;
  }

  /** An array of strings. */
  public GgufWriter put(String key, String[] values) {
    array(key, GgufType.STRING, values.length);
    for (String value : values) {
      string(metadata, value);
    }
    return this;
  }

  /** An array of signed 32-bit integers. */
  public GgufWriter put(String key, int[] values) {
    array(key, GgufType.INT32, values.length);
    for (int value : values) {
      int32(metadata, value);
    }
    return this;
  }

  /** An array of 32-bit floats. */
  public GgufWriter put(String key, float[] values) {
    array(key, GgufType.FLOAT32, values.length);
    for (float value : values) {
      int32(metadata, Float.floatToRawIntBits(value));
    }
    return this;
  }

  /** A vector of {@code values.length} elements, whole blocks. */
  public GgufWriter vector(String name, QuantFormat format, float[] values) {
    float[] copy = values.clone();
    Rows rows = (row, into) -> System.arraycopy(copy, 0, into, 0, copy.length);
    return add(name, new Entry(format, copy.length, 1, rows), copy.length);
  }

  /** A matrix of {@code rowCount} rows of {@code columns} elements, whole blocks each. */
  public GgufWriter matrix(String name, QuantFormat format, long rowCount, int columns, Rows rows) {
    return add(name, new Entry(format, columns, rowCount, rows), columns, rowCount);
  }

  /** {@code count} matrices as one tensor; rows are numbered through all of them. */
  public GgufWriter cube(
      String name, QuantFormat format, long count, long rowCount, int columns, Rows rows) {
    var entry = new Entry(format, columns, Math.multiplyExact(count, rowCount), rows);
    return add(name, entry, columns, rowCount, count);
  }

  /** A matrix whose bytes are all zero; takes no space where the file system has sparse files. */
  public GgufWriter zeros(String name, QuantFormat format, long rowCount, int columns) {
    return add(name, new Entry(format, columns, rowCount, null), columns, rowCount);
  }

  /** Writes the file, replacing one that is there. */
  public void write(Path path) throws IOException {
    var head = new ByteArrayOutputStream();
    head.writeBytes("GGUF".getBytes(UTF_8));
    int32(head, 3);
    int64(head, entries.size());
    int64(head, keys.size());
    metadata.writeTo(head);
    infos.writeTo(head);
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      writeAll(channel, ByteBuffer.wrap(head.toByteArray()));
      long position = aligned(channel.position());
      for (Entry entry : entries) {
        if (entry.rows != null) {
          writeRows(channel.position(position), entry);
        }
        position += aligned(entry.bytes());
      }
      if (channel.size() < position) {
        writeAll(channel.position(position - 1), ByteBuffer.allocate(1));
      }
    }
  }

  private static void writeRows(FileChannel channel, Entry entry) throws IOException {
    var values = new float[entry.columns];
    int rowBytes = Math.toIntExact(entry.format.bytes(entry.columns));
    ByteBuffer buffer = ByteBuffer.allocateDirect(Math.max(rowBytes, BUFFER_BYTES));
    MemorySegment segment = MemorySegment.ofBuffer(buffer);
    for (long row = 0; row < entry.rowCount; row++) {
      if (buffer.remaining() < rowBytes) {
        writeAll(channel, buffer.flip());
        buffer.clear();
      }
      entry.rows.fill(row, values);
      entry.format.encode(values, 0, segment, buffer.position(), entry.columns);
      buffer.position(buffer.position() + rowBytes);
    }
    writeAll(channel, buffer.flip());
  }

  private GgufWriter add(String name, Entry entry, long... shape) {
    if (!names.add(name)) {
      throw new IllegalArgumentException("tensor " + name + " is already there");
    }
    string(infos, name);
    int32(infos, shape.length);
    for (long dimension : shape) {
      int64(infos, dimension);
    }
    int32(infos, entry.format.ggmlType());
    int64(infos, dataBytes);
    dataBytes += aligned(entry.bytes());
    entries.add(entry);
    return this;
  }

  private void array(String key, GgufType type, int count) {
    key(key, GgufType.ARRAY);
    int32(metadata, type.ordinal());
    int64(metadata, count);
  }

  private void key(String key, GgufType type) {
    if (!keys.add(key)) {
      throw new IllegalArgumentException("metadata key " + key + " is already there");
    }
    string(metadata, key);
    int32(metadata, type.ordinal());
  }

  private static void string(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    int64(out, bytes.length);
    out.writeBytes(bytes);
  }

  private static void int32(ByteArrayOutputStream out, int value) {
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  private static void int64(ByteArrayOutputStream out, long value) {
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
  }

  private static long aligned(long offset) {
    return (offset + ALIGNMENT - 1) & -ALIGNMENT;
  }

  private static void writeAll(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
