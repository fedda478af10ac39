package dev.weft.benchmarks.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A GGUF file in parts that can be made wrong one by one before it is written: counts, types,
 * lengths, names, dimensions, offsets. Layout: {@code docs/gguf.md} of ggml.
 */
final class GgufSketch {
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /** A metadata entry; {@code count} is what the file says, {@code payload} what it holds. */
  static final class Entry {
    String key;
    int type;
    int elementType;
    long count;
    byte[] payload;

    private Entry(String key, int type, int elementType, long count, byte[] payload) {
      this.key = key;
      this.type = type;
      this.elementType = elementType;
      this.count = count;
      this.payload = payload;
    }

    private Entry copy() {
      return new Entry(key, type, elementType, count, payload);
    }
  }

  /** A tensor; {@code bytes} are really there, at the next aligned place. */
  static final class Tensor {
    String name;
    long[] shape;
    int type;
    long offset;
    byte[] bytes;

    private Tensor(String name, long[] shape, int type, long offset, byte[] bytes) {
      this.name = name;
      this.shape = shape;
      this.type = type;
      this.offset = offset;
      this.bytes = bytes;
    }

    private Tensor copy() {
      return new Tensor(name, shape.clone(), type, offset, bytes);
    }
  }

  private final List<Entry> entries = new ArrayList<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private int magic = 0x46554747;
  private int version = 3;
  private long tensorCountError;
  private long entryCountError;
  private int alignment = 32;

  GgufSketch put(String key, String value) {
    var out = new ByteArrayOutputStream();
    string(out, value);
    entries.add(new Entry(key, STRING, 0, 1, out.toByteArray()));
    return this;
  }

  GgufSketch put(String key, int value) {
    entries.add(new Entry(key, 4, 0, 1, little(value, 4)));
    return this;
  }

  GgufSketch put(String key, float value) {
    entries.add(new Entry(key, 6, 0, 1, little(Float.floatToRawIntBits(value), 4)));
    return this;
  }

  GgufSketch put(String key, String[] values) {
    var out = new ByteArrayOutputStream();
    for (String value : values) {
      string(out, value);
    }
    entries.add(new Entry(key, ARRAY, STRING, values.length, out.toByteArray()));
    return this;
  }

  GgufSketch put(String key, int[] values) {
    var out = new ByteArrayOutputStream();
    for (int value : values) {
      out.writeBytes(little(value, 4));
    }
    entries.add(new Entry(key, ARRAY, 5, values.length, out.toByteArray()));
    return this;
  }

  GgufSketch put(String key, float[] values) {
    var out = new ByteArrayOutputStream();
    for (float value : values) {
      out.writeBytes(little(Float.floatToRawIntBits(value), 4));
    }
    entries.add(new Entry(key, ARRAY, 6, values.length, out.toByteArray()));
    return this;
  }

  /** A tensor of a ggml type whose bytes are given. */
  GgufSketch tensor(String name, int type, byte[] bytes, long... shape) {
    long offset = 0;
    for (Tensor before : tensors) {
      offset += align(before.bytes.length);
    }
    tensors.add(new Tensor(name, shape, type, offset, bytes));
    return this;
  }

  GgufSketch copy() {
    var copy = new GgufSketch();
    entries.forEach(e -> copy.entries.add(e.copy()));
    tensors.forEach(t -> copy.tensors.add(t.copy()));
    return copy;
  }

  /** Makes one part wrong, or only strange. */
  void mutate(RandomGenerator random) {
    long odd = ByteMutator.interesting(random);
    Entry entry = entries.get(random.nextInt(entries.size()));
    Tensor tensor = tensors.get(random.nextInt(tensors.size()));
    switch (random.nextInt(24)) {
      case 0 -> magic = (int) odd;
      case 1 -> version = random.nextBoolean() ? random.nextInt(5) : (int) odd;
      case 2 -> tensorCountError = odd;
      case 3 -> entryCountError = odd;
      case 4 -> entry.key = Texts.next(random);
      case 5 -> entry.type = random.nextInt(15) - 1;
      case 6 -> entry.elementType = random.nextInt(15) - 1;
      case 7 -> entry.count = odd;
      case 8, 9 -> entry.payload = ByteMutator.mutate(entry.payload, random);
      case 10 -> entries.add(random.nextInt(entries.size() + 1), entry.copy());
      case 11 -> entries.remove(entries.size() > 1 ? entry : null);
      case 12 -> number(entry, odd);
      case 13 -> number(entry, random.nextInt(300));
      case 14 -> tensor.name = tensors.get(random.nextInt(tensors.size())).name;
      case 15 -> {
        if (tensor.shape.length > 0) {
          tensor.shape[random.nextInt(tensor.shape.length)] = odd;
        }
      }
      case 16 -> {
        tensor.shape = new long[random.nextInt(7)];
        for (int i = 0; i < tensor.shape.length; i++) {
          tensor.shape[i] = random.nextBoolean() ? 1 : odd;
        }
      }
      case 17 -> tensor.type = random.nextBoolean() ? random.nextInt(45) - 1 : (int) odd;
      case 18 -> tensor.offset = odd;
      case 19 -> tensor.offset += 32L * random.nextInt(-4, 5);
      case 20 -> tensor.bytes = ByteMutator.mutate(tensor.bytes, random);
      case 21 -> tensors.remove(tensors.size() > 1 ? tensor : null);
      case 22 -> {
        put("general.alignment", (int) odd);
        alignment = random.nextBoolean() ? 32 : 1 << random.nextInt(12);
      }
      default -> nest(random);
    }
  }

  /** The whole number of an entry of 32 bits. */
  private static void number(Entry entry, long value) {
    if (entry.type == 4) {
      entry.payload = little(value, 4);
    } else {
      entry.type = 10;
      entry.payload = little(value, 8);
    }
  }

  /** An entry of arrays within arrays. */
  private void nest(RandomGenerator random) {
    var out = new ByteArrayOutputStream();
    int depth = random.nextInt(1, 12);
    for (int i = 0; i < depth; i++) {
      out.writeBytes(little(i + 1 == depth ? 0 : ARRAY, 4));
      out.writeBytes(little(random.nextInt(8) == 0 ? ByteMutator.interesting(random) : 1, 8));
    }
    out.write(0);
    entries.add(new Entry("nested." + depth, ARRAY, ARRAY, 1, out.toByteArray()));
  }

  byte[] write() {
    var out = new ByteArrayOutputStream();
    out.writeBytes(little(magic, 4));
    out.writeBytes(little(version, 4));
    out.writeBytes(little(tensors.size() + tensorCountError, 8));
    out.writeBytes(little(entries.size() + entryCountError, 8));
    for (Entry entry : entries) {
      string(out, entry.key);
      out.writeBytes(little(entry.type, 4));
      if (entry.type == ARRAY) {
        out.writeBytes(little(entry.elementType, 4));
        out.writeBytes(little(entry.count, 8));
      }
      out.writeBytes(entry.payload);
    }
    for (Tensor tensor : tensors) {
      string(out, tensor.name);
      out.writeBytes(little(tensor.shape.length, 4));
      for (long dimension : tensor.shape) {
        out.writeBytes(little(dimension, 8));
      }
      out.writeBytes(little(tensor.type, 4));
      out.writeBytes(little(tensor.offset, 8));
    }
    out.writeBytes(new byte[(int) (align(out.size()) - out.size())]);
    for (Tensor tensor : tensors) {
      out.writeBytes(tensor.bytes);
      out.writeBytes(new byte[(int) (align(out.size()) - out.size())]);
    }
    return out.toByteArray();
  }

  private long align(long size) {
    return (size + alignment - 1) / alignment * alignment;
  }

  private static void string(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    out.writeBytes(little(bytes.length, 8));
    out.writeBytes(bytes);
  }

  private static byte[] little(long value, int width) {
    var bytes = new byte[width];
    for (int i = 0; i < width; i++) {
      bytes[i] = (byte) (value >>> 8 * i);
    }
    return bytes;
  }
}
