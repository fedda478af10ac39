package dev.weft.kernels.model.gguf;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
  @TempDir Path folder;

  private static GgufWriter small() {
    return new GgufWriter()
        .put("a.string", "Häuser \uD83D\uDE42")
        .put("an.integer", 7)
        .put("a.real", 0.25f)
        .put("a.boolean", true)
        .put("some.strings", new String[] {"x", "", "yz"})
        .put("some.integers", new int[] {-1, 0, Integer.MAX_VALUE})
        .put("some.reals", new float[] {1, Float.NaN})
        .vector("v", QuantFormat.F32, new float[] {1, 2, 3})
        .matrix("m", QuantFormat.Q8_0, 3, 64, (row, values) -> Arrays.fill(values, 127 * row))
        .zeros("z", QuantFormat.F16, 2, 2);
  }

  private Path write(GgufWriter writer) throws IOException {
    Path path = Files.createTempFile(folder, "file", ".gguf");
    writer.write(path);
    return path;
  }

  @Test
  void readsWhatWasWritten() throws IOException {
    try (GgufFile file = GgufFile.open(write(small()))) {
      assertThat(file.version()).isEqualTo(3);
      GgufMetadata metadata = file.metadata();
      assertThat(metadata.keys()).hasSize(7).startsWith("a.string", "an.integer");
      assertThat(metadata.string("a.string")).isEqualTo("Häuser \uD83D\uDE42");
      assertThat(metadata.integer("an.integer", 0, 10)).isEqualTo(7);
      assertThat(metadata.real("an.integer")).isEqualTo(7);
      assertThat(metadata.real("a.real")).isEqualTo(0.25f);
      assertThat(metadata.bool("a.boolean", false)).isTrue();
      assertThat(metadata.bool("absent", true)).isTrue();
      assertThat(metadata.strings("some.strings", 3).toArray()).containsExactly("x", "", "yz");
      assertThat(metadata.integers("some.integers", -1, Integer.MAX_VALUE))
          .containsExactly(-1, 0, Integer.MAX_VALUE);
      assertThat(metadata.floats("some.reals")).containsExactly(1, Float.NaN);
      assertThat(file.tensors()).extracting(GgufTensor::name).containsExactly("v", "m", "z");
      GgufTensor matrix = file.tensor("m").orElseThrow();
      assertThat(matrix.shape()).containsExactly(64L, 3L);
      assertThat(matrix.bytes()).isEqualTo(3 * 2 * 34);
      var row = new float[64];
      matrix.format().decode(file.data(matrix), 2 * 68, row, 0, 64);
      assertThat(row).containsOnly(254);
      assertThat(file.data(file.tensor("z").orElseThrow()).toArray(ValueLayout.JAVA_BYTE))
          .containsOnly(0)
          .hasSize(8);
    }
  }

  @Test
  void refusesValuesOfAnotherKind() throws IOException {
    try (GgufFile file = GgufFile.open(write(small()))) {
      GgufMetadata metadata = file.metadata();
      refused(() -> metadata.string("an.integer"), "an.integer is UINT32, must be a string");
      refused(() -> metadata.integer("a.real", 0, 1), "a.real is FLOAT32, must be an integer");
      refused(() -> metadata.integer("an.integer", 8, 9), "is 7, must be between 8 and 9");
      refused(
          () -> metadata.strings("some.reals", 9), "an array of FLOAT32, must be an array of str");
      refused(() -> metadata.floats("a.real"), "a.real is FLOAT32, must be an array of 32-bit");
      refused(() -> metadata.integers("some.integers", 0, 9), "has -1 at index 0");
      refused(() -> metadata.string("absent"), "metadata key absent is missing");
    }
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(ModelFormatException.class).hasMessageContaining(message);
  }

  /** The header by hand, so that every field can be wrong. */
  private void refusedBytes(String message, Consumer<ByteBuffer> content) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    content.accept(bytes);
    Path path = Files.createTempFile(folder, "bytes", ".gguf");
    Files.write(path, Arrays.copyOf(bytes.array(), bytes.position()));
    refused(() -> GgufFile.open(path).close(), message);
  }

  private static ByteBuffer head(ByteBuffer b, int version, long tensors, long entries) {
    return b.put(new byte[] {'G', 'G', 'U', 'F'}).putInt(version).putLong(tensors).putLong(entries);
  }

  private static ByteBuffer text(ByteBuffer b, String text) {
    return b.putLong(text.length()).put(text.getBytes(ISO_8859_1));
  }

  private static ByteBuffer tensor(ByteBuffer b, String name, long offset, long... shape) {
    text(b, name).putInt(shape.length);
    for (long dimension : shape) {
      b.putLong(dimension);
    }
    return b.putInt(0).putLong(offset);
  }

  @Test
  void refusesBrokenHeaders() throws IOException {
    refusedBytes("the magic number needs 4 bytes, 0 are left", b -> {});
    refusedBytes("does not begin with GGUF", b -> b.putInt(0x04034b50));
    refusedBytes("GGUF version 1 is not supported", b -> head(b, 1, 0, 0));
    refusedBytes("unknown GGUF version 4", b -> head(b, 4, 0, 0));
    refusedBytes("big-endian", b -> head(b, 3 << 24, 0, 0));
    refusedBytes("the number of tensors is 18446744073709551615", b -> head(b, 3, -1, 0));
    refusedBytes(
        "the number of metadata entries is 1000000000000", b -> head(b, 3, 0, 1000000000000L));
    refusedBytes(
        "the key of metadata entry 0 is empty", b -> head(b, 3, 0, 1).putLong(0).put(new byte[20]));
    refusedBytes("is not valid UTF-8", b -> text(head(b, 3, 0, 1), "k\u00ff").putInt(4).putInt(1));
    refusedBytes("unknown value type 13", b -> text(head(b, 3, 0, 1), "key").putInt(13).putInt(1));
    refusedBytes(
        "boolean with the value 2", b -> text(head(b, 3, 0, 1), "key").putInt(7).put((byte) 2));
    refusedBytes(
        "metadata key key occurs twice",
        b ->
            text(text(head(b, 3, 0, 2), "key").putInt(0).put((byte) 2), "key")
                .putInt(0)
                .put((byte) 1));
    refusedBytes(
        "needs more bytes than the rest of the file",
        b -> text(head(b, 3, 0, 1), "key").putInt(9).putInt(10).putLong(3).putLong(0));
    refusedBytes(
        "the element count of metadata key key is 9223372036854775807",
        b -> text(head(b, 3, 0, 1), "key").putInt(9).putInt(8).putLong(Long.MAX_VALUE));
    refusedBytes(
        "nests arrays deeper than 4",
        b -> {
          text(head(b, 3, 0, 1), "key").putInt(9);
          for (int i = 0; i < 100; i++) {
            b.putInt(9).putLong(1);
          }
        });
    refusedBytes(
        "general.alignment is 24, must be a power of two",
        b -> text(head(b, 3, 0, 1), "general.alignment").putInt(4).putInt(24));
  }

  @Test
  void refusesBrokenTensors() throws IOException {
    refusedBytes("tensor t has 0 dimensions", b -> tensor(head(b, 3, 1, 0), "t", 0));
    refusedBytes("tensor t has 5 dimensions", b -> tensor(head(b, 3, 1, 0), "t", 0, 1, 1, 1, 1, 1));
    refusedBytes("has 0 elements in dimension 1", b -> tensor(head(b, 3, 1, 0), "t", 0, 1, 0));
    refusedBytes(
        "has 4294967296 elements in dimension 1",
        b -> tensor(head(b, 3, 1, 0), "t", 0, 1L << 32, 1L << 32));
    refusedBytes("data offset 4, not a multiple", b -> tensor(head(b, 3, 1, 0), "t", 4, 1));
    refusedBytes(
        "ends behind the end of the file",
        b -> tensor(head(b, 3, 1, 0), "t", 0, 8).put(new byte[30]));
    refusedBytes(
        "ends behind the end of the file",
        b -> tensor(head(b, 3, 1, 0), "t", Long.MAX_VALUE - 31, 8).put(new byte[99]));
    refusedBytes(
        "tensor t occurs twice",
        b -> tensor(tensor(head(b, 3, 2, 0), "t", 0, 1), "t", 32, 1).put(new byte[99]));
    refusedBytes(
        "tensors t and u overlap",
        b -> tensor(tensor(head(b, 3, 2, 0), "u", 32, 1), "t", 0, 9).put(new byte[99]));
    refusedBytes(
        "tensor t has the ggml type 99, which is not supported",
        b -> text(head(b, 3, 1, 0), "t").putInt(1).putLong(32).putInt(99).putLong(0));
    refusedBytes(
        "rows of 33 elements, not a whole number of Q8_0 blocks of 32",
        b -> text(head(b, 3, 1, 0), "t").putInt(1).putLong(33).putInt(8).putLong(0));
  }

  @Test
  void readsVersion2AndNestedArrays() throws IOException {
    ByteBuffer b = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
    text(head(b, 2, 0, 2), "nested").putInt(9).putInt(9).putLong(2);
    b.putInt(0).putLong(3).put(new byte[3]);
    text(b.putInt(8).putLong(1), "in");
    text(b, "after").putInt(10).putLong(5);
    Path path = folder.resolve("nested.gguf");
    Files.write(path, Arrays.copyOf(b.array(), b.position()));
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.version()).isEqualTo(2);
      assertThat(file.metadata().integer("after", 0, 9)).isEqualTo(5);
      refused(() -> file.metadata().strings("nested", 9), "is an array of ARRAY");
    }
  }

  /** Opening a file that ends too early raises the one documented exception, wherever it ends. */
  @Test
  void refusesEveryPrefix() throws IOException {
    byte[] whole = Files.readAllBytes(write(small()));
    int lastTensorByte;
    try (GgufFile file = GgufFile.open(write(small()))) {
      GgufTensor last = file.tensor("z").orElseThrow();
      lastTensorByte = (int) (last.offset() + last.bytes());
    }
    Path path = folder.resolve("prefix.gguf");
    for (int length = 0; length < lastTensorByte; length++) {
      Files.write(path, Arrays.copyOf(whole, length));
      refused(() -> GgufFile.open(path).close(), "prefix.gguf");
    }
    Files.write(path, Arrays.copyOf(whole, lastTensorByte));
    GgufFile.open(path).close();
  }

  /** Whatever the bytes, a file is read or refused; all values of one that is read can be asked. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void readsOrRefusesMutations(long seed) throws IOException {
    byte[] whole = Files.readAllBytes(write(small()));
    var random = new Random(seed);
    Path path = folder.resolve("mutated.gguf");
    int read = 0;
    for (int round = 0; round < 1500; round++) {
      byte[] mutated = whole.clone();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        int at = random.nextInt(random.nextBoolean() ? 64 : mutated.length);
        mutated[at] =
            (byte)
                (random.nextBoolean() ? random.nextInt(256) : mutated[at] ^ 1 << random.nextInt(8));
      }
      Files.write(path, mutated);
      try (GgufFile file = GgufFile.open(path)) {
        for (GgufTensor tensor : file.tensors()) {
          MemorySegment data = file.data(tensor);
          assertThat(data.byteSize()).isEqualTo(tensor.bytes());
        }
        readAll(file.metadata());
        read++;
      } catch (ModelFormatException e) {
        assertThat(e).hasMessageContaining("mutated.gguf");
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ", round " + round, e);
      }
    }
    assertThat(read).isBetween(1, 1499);
  }

  private static void readAll(GgufMetadata metadata) {
    metadata.optionalString("a.string");
    metadata.integer("an.integer", Integer.MIN_VALUE, Integer.MAX_VALUE, 0);
    metadata.real("a.real", 0);
    metadata.bool("a.boolean", false);
    for (String key : metadata.keys()) {
      if (key.startsWith("some.s")) {
        metadata.strings(key, 1 << 20);
      } else if (key.startsWith("some.i")) {
        metadata.integers(key, Integer.MIN_VALUE, Integer.MAX_VALUE);
      } else if (key.startsWith("some.r")) {
        metadata.floats(key);
      }
    }
  }

  /** A tensor past 2 GiB and one past 4 GiB, in a file with holes. */
  @Test
  void readsFilesOverTwoGibibytes() throws IOException {
    GgufWriter writer =
        new GgufWriter()
            .zeros("hole", QuantFormat.F32, 1 << 15, 1 << 15)
            .vector("after4", QuantFormat.F32, new float[] {4, 5})
            .zeros("hole2", QuantFormat.Q8_0, 1 << 15, 1 << 15)
            .matrix("after5", QuantFormat.F16, 1000, 40, (row, values) -> Arrays.fill(values, row));
    Path path = write(writer);
    assertThat(Files.size(path)).isGreaterThan(5L << 30);
    try (GgufFile file = GgufFile.open(path)) {
      GgufTensor after4 = file.tensor("after4").orElseThrow();
      assertThat(after4.offset()).isGreaterThan(1L << 32);
      var values = new float[2];
      QuantFormat.F32.decode(file.data(after4), 0, values, 0, 2);
      assertThat(values).containsExactly(4, 5);
      GgufTensor after5 = file.tensor("after5").orElseThrow();
      var row = new float[40];
      QuantFormat.F16.decode(file.data(after5), 999 * 80, row, 0, 40);
      assertThat(row).containsOnly(999);
    }
  }

  @Test
  void cannotBeReadAfterClosing() throws IOException {
    GgufFile file = GgufFile.open(write(small()));
    MemorySegment data = file.data(file.tensor("v").orElseThrow());
    file.close();
    file.close();
    assertThatThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void writerRefusesNamesThatOccurTwice() {
    assertThatThrownBy(() -> small().put("a.real", 1f))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> small().zeros("v", QuantFormat.F32, 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
