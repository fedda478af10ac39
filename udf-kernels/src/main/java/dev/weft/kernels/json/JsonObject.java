package dev.weft.kernels.json;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * An object of a JSON file. A value that is missing, of another type or out of range raises {@link
 * ModelFormatException} with file and key; {@code null} counts as missing. Values are strings,
 * {@link Long}, {@link Double}, {@link Boolean}, {@link List} and this.
 */
public final class JsonObject {
  private static final int MAX_VALUES = 1 << 23;

  private final String where;
  private final String prefix;
  private final Map<String, Object> values;

  private JsonObject(String where, String prefix, Map<String, Object> values) {
    this.where = where;
    this.prefix = prefix;
    this.values = values;
  }

  /**
   * Reads a file that holds one object.
   *
   * @param maxBytes most bytes that such a file may have
   * @throws ModelFormatException if it is larger, no object, or not valid JSON
   * @throws IOException if it cannot be read
   */
  public static JsonObject read(Path file, long maxBytes) throws IOException {
    return read(file, maxBytes, Map.of());
  }

  /**
   * The same, where objects and arrays at some paths are too large to be built. Their members and
   * elements are handed out one by one, and what is built stays empty.
   *
   * @param parts by path, such as {@code model.vocab}: takes each member of an object as an object
   *     that holds only it, each element of an array under the array's own name. Whether a member
   *     occurs twice is for the taker to see.
   */
  public static JsonObject read(Path file, long maxBytes, Map<String, Consumer<JsonObject>> parts)
      throws IOException {
    long size = Files.size(file);
    if (size > maxBytes) {
      throw new ModelFormatException(
          "the file has " + size + " bytes, at most " + maxBytes + " are read",
          file.toString(),
          ModelFormatException.DAMAGED);
    }
    return parse(ByteBuffer.wrap(Files.readAllBytes(file)), file.toString(), parts);
  }

  /**
   * Reads an object from UTF-8.
   *
   * @param where the file, for messages
   */
  public static JsonObject parse(ByteBuffer bytes, String where) {
    return parse(bytes, where, Map.of());
  }

  private static JsonObject parse(
      ByteBuffer bytes, String where, Map<String, Consumer<JsonObject>> parts) {
    return JsonText.read(
        bytes,
        where,
        parser -> {
          if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw new ModelFormatException(
                "the JSON is not an object", where, ModelFormatException.DAMAGED);
          }
          return new Builder(where, parts).object(parser, "", null);
        });
  }

  /** Builds values and counts them. */
  private static final class Builder {
    private final String where;
    private final Map<String, Consumer<JsonObject>> parts;
    private int count;

    Builder(String where, Map<String, Consumer<JsonObject>> parts) {
      this.where = where;
      this.parts = parts;
    }

    /**
     * @param part takes the members, or null if they are kept
     */
    JsonObject object(JsonParser parser, String prefix, Consumer<JsonObject> part)
        throws IOException {
      var values = new LinkedHashMap<String, Object>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        parser.nextToken();
        Object value = value(parser, prefix, key);
        if (part != null) {
          part.accept(only(prefix, key, value));
          continue;
        }
        if (values.containsKey(key)) {
          throw new ModelFormatException(
              "key " + prefix + key + " occurs twice", where, ModelFormatException.DAMAGED);
        }
        values.put(key, value);
      }
      return new JsonObject(where, prefix, values);
    }

    /** A key with a dot in it is no path. */
    private Consumer<JsonObject> part(String path, String key) {
      return key.indexOf('.') < 0 ? parts.get(path) : null;
    }

    private JsonObject only(String prefix, String key, Object value) {
      return new JsonObject(where, prefix, Collections.singletonMap(key, value));
    }

    /** The value of {@code key} in the object, or array, whose path is {@code prefix}. */
    private Object value(JsonParser parser, String prefix, String key) throws IOException {
      if (++count > MAX_VALUES) {
        throw new ModelFormatException(
            "the JSON has more than " + MAX_VALUES + " values",
            where,
            ModelFormatException.DAMAGED);
      }
      return switch (parser.currentToken()) {
        case START_OBJECT -> {
          String path = prefix + key;
          yield object(parser, path + ".", part(path, key));
        }
        case START_ARRAY -> {
          String path = prefix + key;
          Consumer<JsonObject> part = part(path, key);
          var elements = new ArrayList<>();
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            Object element = value(parser, path, "[" + elements.size() + "]");
            if (part != null) {
              part.accept(only(prefix, key, element));
            } else {
              elements.add(element);
            }
          }
          yield Collections.unmodifiableList(elements);
        }
        case VALUE_STRING -> parser.getText();
        case VALUE_NUMBER_INT ->
            parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                ? (Object) parser.getDoubleValue()
                : (Object) parser.getLongValue();
        case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
        case VALUE_TRUE -> true;
        case VALUE_FALSE -> false;
        case VALUE_NULL -> null;
        default -> throw new AssertionError(parser.currentToken() + " begins no value");
      };
    }
  }

  /** The file, for messages. */
  public String where() {
    return where;
  }

  /** All keys, in the order of the file. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(values.keySet());
  }

  /** Whether there is a value that is not null. */
  public boolean contains(String key) {
    return values.get(key) != null;
  }

  /** The value as it is, or null. */
  public Object value(String key) {
    return values.get(key);
  }

  /** A string that must be there. */
  public String string(String key) {
    return optionalString(key).orElseThrow(() -> missing(key));
  }

  /** A string that may be there. */
  public Optional<String> optionalString(String key) {
    return optional(key, String.class, "a string");
  }

  /** An integer that must be there, within {@code min .. max}. */
  public int integer(String key, int min, int max) {
    Object value = values.get(key);
    if (value == null) {
      throw missing(key);
    }
    if (!(value instanceof Long number)) {
      throw wrong(key, "is " + shown(value) + ", must be an integer");
    }
    if (number < min || number > max) {
      throw wrong(key, "is " + number + ", must be between " + min + " and " + max);
    }
    return number.intValue();
  }

  /** An integer that may be there, within {@code min .. max} if so. */
  public int integer(String key, int min, int max, int defaultValue) {
    return contains(key) ? integer(key, min, max) : defaultValue;
  }

  /** A finite number that must be there. */
  public double real(String key) {
    Object value = values.get(key);
    if (value == null) {
      throw missing(key);
    }
    if (!(value instanceof Number number)) {
      throw wrong(key, "is " + shown(value) + ", must be a number");
    }
    if (!Double.isFinite(number.doubleValue())) {
      throw wrong(key, "is " + value + ", must be finite");
    }
    return number.doubleValue();
  }

  /** A finite number that may be there. */
  public double real(String key, double defaultValue) {
    return contains(key) ? real(key) : defaultValue;
  }

  /** A boolean that may be there. */
  public boolean bool(String key, boolean defaultValue) {
    return optional(key, Boolean.class, "true or false").orElse(defaultValue);
  }

  /** An object that must be there. */
  public JsonObject object(String key) {
    return optionalObject(key).orElseThrow(() -> missing(key));
  }

  /** An object that may be there. */
  public Optional<JsonObject> optionalObject(String key) {
    return optional(key, JsonObject.class, "an object");
  }

  /** An array, empty where there is none. */
  public List<?> array(String key) {
    return optional(key, List.class, "an array").map(l -> (List<?>) l).orElse(List.of());
  }

  /** An array of objects, empty where there is none. */
  public List<JsonObject> objects(String key) {
    var objects = new ArrayList<JsonObject>();
    for (Object element : array(key)) {
      if (!(element instanceof JsonObject object)) {
        throw wrong(
            key, "has " + shown(element) + " at index " + objects.size() + ", must be objects");
      }
      objects.add(object);
    }
    return objects;
  }

  private <T> Optional<T> optional(String key, Class<T> type, String wanted) {
    Object value = values.get(key);
    if (value != null && !type.isInstance(value)) {
      throw wrong(key, "is " + shown(value) + ", must be " + wanted);
    }
    return Optional.ofNullable(type.cast(value));
  }

  /** The error of a value that is broken. */
  public ModelFormatException wrong(String key, String what) {
    return new ModelFormatException(
        "key " + prefix + key + " " + what, where, ModelFormatException.DAMAGED);
  }

  /** The error of a value that is sound but not supported. */
  public ModelFormatException unsupported(String key, String value, String supported) {
    return new ModelFormatException(
        "key " + prefix + key + " is " + value + ", which is not supported",
        where,
        "Supported are " + supported + "; use another model.");
  }

  private ModelFormatException missing(String key) {
    return new ModelFormatException(
        "key " + prefix + key + " is missing", where, ModelFormatException.DAMAGED);
  }

  private static String shown(Object value) {
    return switch (value) {
      case null -> "null";
      case JsonObject _ -> "an object";
      case List<?> _ -> "an array";
      case String s when s.length() > 80 -> '"' + s.substring(0, 80) + "...\"";
      case String s -> '"' + s + '"';
      default -> value.toString();
    };
  }
}
