package dev.weft.kernels.tokenizer.huggingface;

import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.tokenizer.ByteStrings;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import java.util.HashMap;
import java.util.Map;

/** Values by key, gathered from the files of a folder. */
final class FolderMetadata implements TokenizerMetadata {
  private final String where;
  private final Map<String, Object> values = new HashMap<>();

  /**
   * @param where the tokenizer's file, for messages
   */
  FolderMetadata(String where) {
    this.where = where;
  }

  /** Strings, integers, booleans, {@link ByteStrings}, and arrays of integers and floats. */
  FolderMetadata put(String key, Object value) {
    values.put(key, value);
    return this;
  }

  void remove(String key) {
    values.remove(key);
  }

  @Override
  public boolean contains(String key) {
    return values.containsKey(key);
  }

  @Override
  public String string(String key) {
    return (String) there(key);
  }

  @Override
  public ByteStrings strings(String key, int maxCount) {
    var strings = (ByteStrings) there(key);
    if (strings.size() > maxCount) {
      throw wrong(key, "has " + strings.size() + " elements, must have at most " + maxCount);
    }
    return strings;
  }

  @Override
  public float[] floats(String key) {
    return (float[]) there(key);
  }

  @Override
  public int[] integers(String key, int min, int max) {
    int[] numbers = (int[]) there(key);
    for (int number : numbers) {
      check(key, number, min, max);
    }
    return numbers;
  }

  @Override
  public int integer(String key, int min, int max, int defaultValue) {
    return contains(key) ? check(key, (int) there(key), min, max) : defaultValue;
  }

  private int check(String key, int number, int min, int max) {
    if (number < min || number > max) {
      throw wrong(key, "is " + number + ", must be between " + min + " and " + max);
    }
    return number;
  }

  @Override
  public boolean bool(String key, boolean defaultValue) {
    return (boolean) values.getOrDefault(key, defaultValue);
  }

  private Object there(String key) {
    Object value = values.get(key);
    if (value == null) {
      throw wrong(key, "is missing");
    }
    return value;
  }

  @Override
  public ModelFormatException wrong(String key, String what) {
    return new ModelFormatException(what(key) + " " + what, where, ModelFormatException.DAMAGED);
  }

  @Override
  public ModelFormatException unsupported(String key, String value, String supported) {
    return new ModelFormatException(
        what(key) + " is " + value + ", which is not supported",
        where,
        "Supported are " + supported + "; use another model.");
  }

  /** What a key of GGUF is called for people who have none. */
  private static String what(String key) {
    return "the tokenizer's " + key.substring(key.lastIndexOf('.') + 1);
  }
}
