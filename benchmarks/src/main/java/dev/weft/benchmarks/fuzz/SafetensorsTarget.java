package dev.weft.benchmarks.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.model.safetensors.SafetensorsFolder;
import dev.weft.kernels.model.safetensors.SafetensorsTensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.random.RandomGenerator;

/** Folders of one safetensors file, or of an index and the shard that it should name. */
final class SafetensorsTarget implements FuzzTarget {
  private static final int DATA_BYTES = 64;
  private static final String HEADER =
      """
      {"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},\
      "b.weight":{"dtype":"BF16","shape":[16],"data_offsets":[32,64]}}""";
  private static final String INDEX =
      """
      {"metadata":{"total_size":64},"weight_map":{"a.weight":"part-1.safetensors",\
      "b.weight":"part-1.safetensors"}}""";
  private static final List<String> PIECES =
      List.of(
          "0",
          "-1",
          "1",
          "32",
          "64",
          "1e3",
          "0.5",
          "null",
          "true",
          "[]",
          "{}",
          "[0]",
          "[2,4,0]",
          "[0,0]",
          "[64,0]",
          "[9223372036854775807,2]",
          "[4294967296,4294967296]",
          "18446744073709551615",
          "9".repeat(400),
          "\"F16\"",
          "\"F64\"",
          "\"I4\"",
          "\"\"",
          "\"../x.safetensors\"",
          "\"/etc/passwd\"",
          "\"part-1.safetensors\"",
          "\"\\ud800.safetensors\"",
          "\"a\\u0000.safetensors\"",
          "\"part-2.safetensors\"",
          "\"CON:.safetensors\"");
  private static final List<String> NAMES =
      List.of(
          "dtype",
          "shape",
          "data_offsets",
          "a.weight",
          "__metadata__",
          "weight_map",
          "b.weight",
          "x");

  private final Path folder = inMemory();

  SafetensorsTarget() throws IOException {}

  /** A new folder, in memory where there is a file system for that. */
  static Path inMemory() throws IOException {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory)
        ? Files.createTempDirectory(memory, "weft-fuzz")
        : Files.createTempDirectory("weft-fuzz");
  }

  @Override
  public String name() {
    return "safetensors";
  }

  @Override
  public Input next(RandomGenerator random) throws IOException {
    boolean sharded = random.nextInt(3) == 0;
    String header = HEADER;
    String index = INDEX;
    for (int n = random.nextInt(4); n > 0; n--) {
      if (sharded && random.nextBoolean()) {
        index = mutate(index, random);
      } else {
        header = mutate(header, random);
      }
    }
    byte[] json = header.getBytes(UTF_8);
    long length = random.nextInt(10) == 0 ? ByteMutator.interesting(random) : json.length;
    int data = random.nextInt(8) == 0 ? random.nextInt(2 * DATA_BYTES) : DATA_BYTES;
    byte[] bytes =
        ByteBuffer.allocate(8 + json.length + data)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(length)
            .put(json)
            .array();
    if (random.nextInt(4) == 0) {
      bytes = ByteMutator.mutate(bytes, random);
    }
    return write(bytes, sharded ? index.getBytes(UTF_8) : null);
  }

  @Override
  public Input of(byte[] bytes) throws IOException {
    return write(bytes, null);
  }

  private Input write(byte[] file, byte[] index) throws IOException {
    Path indexFile = folder.resolve("model.safetensors.index.json");
    if (index == null) {
      Files.deleteIfExists(indexFile);
    } else {
      Files.write(indexFile, index);
    }
    Files.write(folder.resolve("part-1.safetensors"), file);
    long bytes = file.length + (index == null ? 0 : index.length);
    return new Folder(folder, bytes, index == null ? file : join(file, index));
  }

  private static byte[] join(byte[] file, byte[] index) {
    return ByteBuffer.allocate(file.length + index.length).put(file).put(index).array();
  }

  /** One change of a JSON text: a value, a name, depth, text, a gap. */
  static String mutate(String text, RandomGenerator random) {
    if (text.isEmpty()) {
      return "{";
    }
    String piece = PIECES.get(random.nextInt(PIECES.size()));
    int at = random.nextInt(text.length());
    return switch (random.nextInt(6)) {
      case 0, 1 -> {
        int colon = text.indexOf(':', at);
        int end = colon + 1;
        while (end < text.length() && ",}".indexOf(text.charAt(end)) < 0) {
          end++;
        }
        yield colon < 0 ? text : text.substring(0, colon + 1) + piece + text.substring(end);
      }
      case 2 -> {
        int brace = text.indexOf('{', at);
        String name = NAMES.get(random.nextInt(NAMES.size()));
        yield brace < 0
            ? text + piece
            : text.substring(0, brace + 1)
                + "\""
                + name
                + "\":"
                + piece
                + ","
                + text.substring(brace + 1);
      }
      case 3 -> {
        int depth = random.nextInt(1, 3000);
        yield text.substring(0, at) + "[".repeat(depth) + "]".repeat(depth) + text.substring(at);
      }
      case 4 -> text.substring(0, at) + Texts.next(random) + text.substring(at);
      default ->
          text.substring(0, at) + text.substring(Math.min(text.length(), at + random.nextInt(9)));
    };
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(folder.resolve("part-1.safetensors"));
    Files.deleteIfExists(folder.resolve("model.safetensors.index.json"));
    Files.deleteIfExists(folder);
  }

  private record Folder(Path folder, long bytes, byte[] dump) implements Input {
    @Override
    public void read() throws IOException {
      try (SafetensorsFolder opened = SafetensorsFolder.open(folder)) {
        for (SafetensorsTensor tensor : opened.tensors()) {
          if (tensor.bytes() > 0) {
            opened.data(tensor).get(ValueLayout.JAVA_BYTE, tensor.bytes() - 1);
          }
        }
      }
    }

    @Override
    public boolean documents(Throwable e) {
      return e instanceof ModelFormatException || e instanceof IOException;
    }
  }
}
