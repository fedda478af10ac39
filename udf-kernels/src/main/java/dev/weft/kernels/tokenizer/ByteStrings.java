package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * Strings as UTF-8, one behind the other. A vocabulary of a million tokens is two arrays and not
 * millions of objects: what a file can make this machine hold is then a small multiple of the file.
 */
public final class ByteStrings {
  private static final int MAX_BYTES = Integer.MAX_VALUE - 16;

  private final byte[] utf8;

  /** Of string {@code i}, the first byte behind it. */
  private final int[] ends;

  private ByteStrings(byte[] utf8, int[] ends) {
    this.utf8 = utf8;
    this.ends = ends;
  }

  /** These strings. Unpaired surrogates become question marks. */
  public static ByteStrings of(String... strings) {
    var builder = new Builder(strings.length, 0);
    for (String string : strings) {
      builder.add(string);
    }
    return builder.build();
  }

  /** Number of strings. */
  public int size() {
    return ends.length;
  }

  /** String {@code i}. */
  public String get(int i) {
    int start = start(i);
    return new String(utf8, start, ends[i] - start, UTF_8);
  }

  /** All strings. */
  public String[] toArray() {
    var strings = new String[size()];
    Arrays.setAll(strings, this::get);
    return strings;
  }

  /** The array that holds all strings. */
  byte[] utf8() {
    return utf8;
  }

  /** First byte of string {@code i} in {@link #utf8}. */
  int start(int i) {
    return i == 0 ? 0 : ends[i - 1];
  }

  /** First byte behind string {@code i} in {@link #utf8}. */
  int end(int i) {
    return ends[i];
  }

  /** Gathers strings. */
  public static final class Builder {
    private byte[] utf8;
    private int[] ends;
    private int count;

    /**
     * Room for {@code count} strings of {@code bytes} in all; it grows where that is too little.
     */
    public Builder(int count, int bytes) {
      utf8 = new byte[bytes];
      ends = new int[count];
    }

    /**
     * Adds a string behind the others.
     *
     * @throws IllegalStateException if all strings together are larger than 2 GiB
     */
    public Builder add(String string) {
      byte[] bytes = string.getBytes(UTF_8);
      return add(bytes, 0, bytes.length);
    }

    Builder add(byte[] source, int from, int to) {
      int start = bytes();
      int end = start + to - from;
      if (end < 0 || end > MAX_BYTES) {
        throw new IllegalStateException("the strings are larger than 2 GiB");
      }
      if (end > utf8.length) {
        utf8 = Arrays.copyOf(utf8, (int) Math.min(MAX_BYTES, Math.max(end, start * 3L / 2 + 64)));
      }
      if (count == ends.length) {
        ends = Arrays.copyOf(ends, count + count / 2 + 64);
      }
      System.arraycopy(source, from, utf8, start, to - from);
      ends[count++] = end;
      return this;
    }

    /** Number of strings so far. */
    public int size() {
      return count;
    }

    private int bytes() {
      return count == 0 ? 0 : ends[count - 1];
    }

    /** String {@code i}. */
    String get(int i) {
      int start = i == 0 ? 0 : ends[i - 1];
      return new String(utf8, start, ends[i] - start, UTF_8);
    }

    /** Whether string {@code i} is {@code other[from .. to)}. */
    boolean equals(int i, byte[] other, int from, int to) {
      return Arrays.equals(utf8, i == 0 ? 0 : ends[i - 1], ends[i], other, from, to);
    }

    /** {@link SymbolTable#hash} of string {@code i}. */
    long hash(int i) {
      return SymbolTable.hash(utf8, i == 0 ? 0 : ends[i - 1], ends[i]);
    }

    /** The strings; nothing can be added any more. */
    public ByteStrings build() {
      byte[] whole = utf8.length == bytes() ? utf8 : Arrays.copyOf(utf8, bytes());
      int[] all = ends.length == count ? ends : Arrays.copyOf(ends, count);
      utf8 = null;
      ends = null;
      return new ByteStrings(whole, all);
    }
  }
}
