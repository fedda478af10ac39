package dev.weft.kernels.model.gguf;

import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.tokenizer.ByteStrings;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The key-value part of a file. Values stay in the mapped file and are decoded when asked for; all
 * lengths were checked when the file was opened. A value that is missing, of another type or out of
 * range raises {@link ModelFormatException} with its key.
 */
public final class GgufMetadata implements TokenizerMetadata {
  private static final int MAX_KEY_BYTES = 65535;
  private static final int MAX_STRING_BYTES = Integer.MAX_VALUE - 16;
  private static final long MAX_STRINGS_BYTES = 1 << 30;
  private static final int MAX_NESTING = 4;
  private static final int MAX_ENTRIES = 1 << 16;
  private static final int MIN_ENTRY_BYTES = 8 + 1 + 4 + 1;

  private final MemorySegment file;
  private final String fileName;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /**
   * @param type of the value; of the elements where {@code array}
   * @param offset first byte of the value; of the first element of an array
   * @param count elements of an array, else 1
   * @param end first byte behind the value
   */
  private record Entry(GgufType type, boolean array, long offset, long count, long end) {}

  private GgufMetadata(MemorySegment file, String fileName) {
    this.file = file;
    this.fileName = fileName;
  }

  /** Walks over {@code count} entries and checks that they are whole. */
  static GgufMetadata read(GgufCursor cursor, long count, MemorySegment file, String fileName) {
    var metadata = new GgufMetadata(file, fileName);
    for (long i = 0; i < count; i++) {
      String key = cursor.string(MAX_KEY_BYTES, "the key of metadata entry " + i);
      if (key.isEmpty()) {
        throw cursor.malformed("the key of metadata entry " + i + " is empty");
      }
      Entry entry = readEntry(cursor, "metadata key " + key);
      if (metadata.entries.putIfAbsent(key, entry) != null) {
        throw cursor.malformed("metadata key " + key + " occurs twice");
      }
    }
    return metadata;
  }

  /** How many entries a file of {@code bytes} can have at most: known ones have under a hundred. */
  static long maxEntries(long bytes) {
    return Math.min(MAX_ENTRIES, bytes / MIN_ENTRY_BYTES);
  }

  private static Entry readEntry(GgufCursor cursor, String what) {
    GgufType type = cursor.type(what);
    boolean array = type == GgufType.ARRAY;
    long count = 1;
    if (array) {
      type = cursor.type(what);
      count = cursor.count(cursor.remaining(), "the element count of " + what);
    }
    long offset = cursor.position();
    skipValues(cursor, type, count, what, 1);
    return new Entry(type, array, offset, count, cursor.position());
  }

  private static void skipValues(
      GgufCursor cursor, GgufType type, long count, String what, int depth) {
    if (depth > MAX_NESTING) {
      throw cursor.malformed(what + " nests arrays deeper than " + MAX_NESTING);
    }
    switch (type) {
      case STRING -> {
        for (long i = 0; i < count; i++) {
          cursor.skip(cursor.int64(what), what);
        }
      }
      case ARRAY -> {
        for (long i = 0; i < count; i++) {
          GgufType element = cursor.type(what);
          long elements = cursor.count(cursor.remaining(), "an element count of " + what);
          skipValues(cursor, element, elements, what, depth + 1);
        }
      }
      case BOOL -> {
        for (long i = 0; i < count; i++) {
          cursor.bool(what);
        }
      }
      default -> {
        if (count > cursor.remaining() / type.bytes) {
          throw cursor.malformed(what + " needs more bytes than the rest of the file holds");
        }
        cursor.skip(count * type.bytes, what);
      }
    }
  }

  /** All keys, in file order. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  /** Whether the file has this key. */
  @Override
  public boolean contains(String key) {
    return entries.containsKey(key);
  }

  /** A string that must be there. */
  @Override
  public String string(String key) {
    return optionalString(key).orElseThrow(() -> missing(key));
  }

  /** A string that may be there. */
  public Optional<String> optionalString(String key) {
    Entry entry = entries.get(key);
    if (entry == null) {
      return Optional.empty();
    }
    require(key, entry, !entry.array && entry.type == GgufType.STRING, "a string");
    return Optional.of(at(entry).string(MAX_STRING_BYTES, "metadata key " + key));
  }

  /** An integer that must be there, within {@code min .. max}. */
  public int integer(String key, int min, int max) {
    Entry entry = entry(key);
    require(key, entry, !entry.array && entry.type.isInteger(), "an integer");
    long value = at(entry).integer(entry.type, key);
    if (value < min || value > max) {
      throw wrong(key, "is " + value + ", must be between " + min + " and " + max);
    }
    return (int) value;
  }

  /** An integer that may be there, within {@code min .. max} if so. */
  @Override
  public int integer(String key, int min, int max, int defaultValue) {
    return contains(key) ? integer(key, min, max) : defaultValue;
  }

  /** A finite number that must be there. */
  public float real(String key) {
    Entry entry = entry(key);
    boolean number =
        entry.type.isInteger() || entry.type == GgufType.FLOAT32 || entry.type == GgufType.FLOAT64;
    require(key, entry, !entry.array && number, "a number");
    float value = (float) at(entry).real(entry.type, key);
    if (!Float.isFinite(value)) {
      throw wrong(key, "is " + value + ", must be finite");
    }
    return value;
  }

  /** A finite number that may be there. */
  public float real(String key, float defaultValue) {
    return contains(key) ? real(key) : defaultValue;
  }

  /** A boolean that may be there. */
  @Override
  public boolean bool(String key, boolean defaultValue) {
    if (!contains(key)) {
      return defaultValue;
    }
    Entry entry = entry(key);
    require(key, entry, !entry.array && entry.type == GgufType.BOOL, "a boolean");
    return at(entry).bool(key);
  }

  /** Elements of an array of strings that must be there. */
  public int stringCount(String key) {
    return (int) array(key, entry(key).type == GgufType.STRING, "an array of strings").count;
  }

  /** An array of at most {@code maxCount} strings that must be there. */
  @Override
  public ByteStrings strings(String key, int maxCount) {
    Entry entry = array(key, entry(key).type == GgufType.STRING, "an array of strings");
    if (entry.count > maxCount) {
      throw wrong(key, "has " + entry.count + " elements, must have at most " + maxCount);
    }
    long bytes = entry.end - entry.offset - Long.BYTES * entry.count;
    if (bytes > MAX_STRINGS_BYTES) {
      throw wrong(key, "has " + bytes + " bytes, must have at most " + MAX_STRINGS_BYTES);
    }
    var values = new ByteStrings.Builder((int) entry.count, (int) bytes);
    GgufCursor cursor = at(entry);
    for (int i = 0; i < entry.count; i++) {
      values.add(cursor.string(MAX_STRING_BYTES, "element " + i + " of " + key));
    }
    return values.build();
  }

  /** An array of 32-bit floats that must be there. */
  @Override
  public float[] floats(String key) {
    Entry entry = array(key, entry(key).type == GgufType.FLOAT32, "an array of 32-bit floats");
    var values = new float[(int) entry.count];
    GgufCursor cursor = at(entry);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) cursor.real(entry.type, key);
    }
    return values;
  }

  /** An array of integers of any width, each within {@code min .. max}, that must be there. */
  @Override
  public int[] integers(String key, int min, int max) {
    Entry entry = array(key, entry(key).type.isInteger(), "an array of integers");
    var values = new int[(int) entry.count];
    GgufCursor cursor = at(entry);
    for (int i = 0; i < values.length; i++) {
      long value = cursor.integer(entry.type, key);
      if (value < min || value > max) {
        throw wrong(
            key, "has " + value + " at index " + i + ", must be between " + min + " and " + max);
      }
      values[i] = (int) value;
    }
    return values;
  }

  @Override
  public ModelFormatException wrong(String key, String what) {
    return new ModelFormatException(
        "metadata key " + key + " " + what, fileName, ModelFormatException.DAMAGED);
  }

  @Override
  public ModelFormatException unsupported(String key, String value, String supported) {
    return new ModelFormatException(
        "metadata key " + key + " is " + value + ", which is not supported",
        fileName,
        "Supported are " + supported + "; use another model.");
  }

  private ModelFormatException missing(String key) {
    return new ModelFormatException(
        "metadata key " + key + " is missing",
        fileName,
        "Convert the model again with a current converter, or use another file.");
  }

  private Entry entry(String key) {
    Entry entry = entries.get(key);
    if (entry == null) {
      throw missing(key);
    }
    return entry;
  }

  private Entry array(String key, boolean elementFits, String wanted) {
    Entry entry = entry(key);
    require(key, entry, entry.array && elementFits, wanted);
    if (entry.count > Integer.MAX_VALUE - 16) {
      throw wrong(key, "has " + entry.count + " elements, too many");
    }
    return entry;
  }

  private GgufCursor at(Entry entry) {
    return new GgufCursor(file, fileName, entry.offset);
  }

  private void require(String key, Entry entry, boolean condition, String wanted) {
    if (!condition) {
      String type = entry.array ? "an array of " + entry.type : entry.type.toString();
      throw wrong(key, "is " + type + ", must be " + wanted);
    }
  }
}
