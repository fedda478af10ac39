package dev.weft.kernels.model.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
  private static final String VALID =
      """
      {"__metadata__":{"format":"pt"},
       "b":{"dtype":"F16","shape":[3],"data_offsets":[16,22]},
       "a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
       "empty":{"dtype":"BF16","shape":[0,7],"data_offsets":[16,16]},
       "scalar":{"dtype":"U8","shape":[],"data_offsets":[22,23]}}   \
      """;
  private static final int VALID_DATA = 23;

  @TempDir Path folder;

  /** A file of a header of its true length and zeroed data. */
  static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("test.safetensors"), bytes);
  }

  @Test
  void readsTensorsWhereTheyLie() throws IOException {
    byte[] bytes = file(VALID, VALID_DATA);
    int data = bytes.length - VALID_DATA;
    bytes[data + 16] = 42;
    try (Arena arena = Arena.ofConfined()) {
      SafetensorsFile file = SafetensorsFile.open(write(bytes), arena);
      assertThat(file.tensors().keySet()).containsExactly("b", "a", "empty", "scalar");
      SafetensorsTensor b = file.tensors().get("b");
      assertThat(b).isEqualTo(new SafetensorsTensor("b", Dtype.F16, List.of(3L), data + 16, 6));
      assertThat(file.data(b).get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 42);
      assertThat(file.data(b).byteSize()).isEqualTo(6);
      assertThat(file.data(b).isReadOnly()).isTrue();
      assertThat(file.tensors().get("scalar").shape()).isEmpty();
    }
  }

  /** A broken header and a part of its message. */
  record Hostile(String what, String header, int dataBytes, String message) {
    @Override
    public String toString() {
      return what;
    }
  }

  private static Hostile tensor(String what, String fields, int dataBytes, String message) {
    return new Hostile(what, "{\"x\":{" + fields + "}}", dataBytes, message);
  }

  private static String deep(int depth) {
    return "{\"x\":" + "[".repeat(depth) + "]".repeat(depth) + "}";
  }

  static List<Hostile> hostile() {
    String f32 = "\"dtype\":\"F32\",";
    String one = "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":";
    return List.of(
        new Hostile("no object", "[1,2,3]", 0, "does not begin with {"),
        new Hostile("white space first", " {}", 0, "does not begin with {"),
        new Hostile("not JSON", "{nonsense}", 0, "the JSON is not valid at line 1, column"),
        new Hostile("cut JSON", "{\"x\":", 0, "the JSON is not valid"),
        new Hostile("more after it", "{} {}", 0, "goes on after its end"),
        new Hostile("comment", "{/* */}", 0, "the JSON is not valid"),
        new Hostile("deep nesting", deep(100_000), 0, "must be an object"),
        new Hostile(
            "deep metadata", "{\"__metadata__\":{\"a\":[[]]}}", 0, "a is START_ARRAY, must be a"),
        new Hostile(
            "metadata no object", "{\"__metadata__\":7}", 0, "__metadata__ is VALUE_NUMBER"),
        new Hostile(
            "metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "occurs twice"),
        new Hostile(
            "metadata key twice", "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "key a twice"),
        new Hostile("tensor no object", "{\"x\":null}", 0, "tensor x is VALUE_NULL"),
        new Hostile(
            "tensor twice",
            "{\"x\":" + one + "[0,1]},\"x\":" + one + "[1,2]}}",
            2,
            "tensor x occurs twice"),
        new Hostile(
            "overlap",
            "{\"x\":" + one + "[0,1]},\"y\":" + one + "[0,1]}}",
            1,
            "tensors x and y overlap"),
        new Hostile(
            "hole",
            "{\"x\":" + one + "[0,1]},\"y\":" + one + "[4,5]}}",
            5,
            "3 bytes between x and tensor y belong to no tensor"),
        new Hostile("hole at the start", "{\"y\":" + one + "[4,5]}}", 5, "4 bytes between the"),
        new Hostile("rest", "{\"x\":" + one + "[0,1]}}", 9, "the last 8 bytes of the file"),
        new Hostile("all rest", "{}", 9, "the last 9 bytes of the file"),
        tensor("key twice", f32 + f32 + "\"shape\":[]", 0, "the key dtype twice"),
        tensor("unknown key", "\"stride\":[]", 0, "unknown key stride"),
        tensor("no dtype", "\"shape\":[],\"data_offsets\":[0,0]", 0, "x lacks dtype"),
        tensor("no shape", f32 + "\"data_offsets\":[0,0]", 0, "x lacks shape"),
        tensor("no offsets", f32 + "\"shape\":[]", 0, "x lacks data_offsets"),
        tensor("dtype number", "\"dtype\":7", 0, "dtype, is VALUE_NUMBER_INT"),
        tensor("dtype unknown", "\"dtype\":\"F31\"", 0, "Known are [F32, F16, BF16, F64,"),
        tensor("shape no array", f32 + "\"shape\":3", 0, "shape, is VALUE_NUMBER_INT"),
        tensor("shape of floats", f32 + "\"shape\":[1.5]", 0, "shape, is VALUE_NUMBER_FLOAT"),
        tensor("shape of arrays", f32 + "\"shape\":[[1]]", 0, "shape, is START_ARRAY"),
        tensor("negative shape", f32 + "\"shape\":[-4]", 0, "shape, has -4, must be 0 to"),
        tensor(
            "number beyond 64 bits", f32 + "\"shape\":[18446744073709551617]", 0, "must be 0 to"),
        tensor("number of 10,000 digits", f32 + "\"shape\":[" + "9".repeat(10_000) + "]", 0, "not"),
        tensor("nine dimensions", f32 + "\"shape\":[1,1,1,1,1,1,1,1,1]", 0, "more than 8 numbers"),
        tensor(
            "shape overflows",
            f32 + "\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]",
            0,
            "too large for any file"),
        tensor(
            "shape wraps to the size",
            f32 + "\"shape\":[4611686018427387905],\"data_offsets\":[0,4]",
            4,
            "too large for any file"),
        tensor(
            "zero hides overflow",
            f32 + "\"shape\":[9223372036854775807,9223372036854775807,0],\"data_offsets\":[0,0]",
            0,
            "too large for any file"),
        tensor("three offsets", f32 + "\"shape\":[],\"data_offsets\":[0,1,2]", 2, "more than 2"),
        tensor("one offset", f32 + "\"shape\":[],\"data_offsets\":[0]", 0, "has 1 data_offsets"),
        tensor("negative offset", f32 + "\"shape\":[],\"data_offsets\":[-4,0]", 0, "has -4"),
        tensor(
            "end before start",
            f32 + "\"shape\":[1],\"data_offsets\":[8,4]",
            8,
            "begins at 8, after its end at 4"),
        tensor(
            "end behind the file",
            f32 + "\"shape\":[1],\"data_offsets\":[0,4]",
            3,
            "ends at data offset 4, but the file has only 3 bytes of data"),
        tensor(
            "size of another shape",
            f32 + "\"shape\":[2],\"data_offsets\":[0,4]",
            4,
            "takes 8 bytes, but data_offsets for 4"));
  }

  @ParameterizedTest
  @MethodSource("hostile")
  void refuses(Hostile hostile) throws IOException {
    Path path = write(file(hostile.header(), hostile.dataBytes()));
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> SafetensorsFile.open(path, arena))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining(hostile.message())
          .hasMessageContaining(path.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 3, 100_000_001, Long.MAX_VALUE, Long.MIN_VALUE, -1})
  void refusesHeaderLengthsThatCannotBe(long length) throws IOException {
    byte[] bytes = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
    Path path = write(bytes);
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> SafetensorsFile.open(path, arena))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("should have " + Long.toUnsignedString(length) + " bytes");
    }
  }

  @Test
  void refusesInvalidUtf8() throws IOException {
    byte[] bytes = file("{\"?\":7}", 0);
    bytes[10] = (byte) 0xFF;
    Path path = write(bytes);
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> SafetensorsFile.open(path, arena))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("not valid UTF-8");
    }
  }

  @Test
  void refusesEveryPrefix() throws IOException {
    byte[] whole = file(VALID, VALID_DATA);
    for (int length = 0; length < whole.length; length++) {
      Path path = write(Arrays.copyOf(whole, length));
      try (Arena arena = Arena.ofConfined()) {
        assertThatThrownBy(() -> SafetensorsFile.open(path, arena))
            .isInstanceOf(ModelFormatException.class);
      }
    }
  }

  /** Whatever the bytes, tensors lie in the file or the file is refused. */
  @ParameterizedTest
  @ValueSource(longs = {21, 22})
  void opensOrRefusesMutations(long seed) throws IOException {
    byte[] whole = file(VALID, VALID_DATA);
    var random = new Random(seed);
    int opened = 0;
    for (int round = 0; round < 1000; round++) {
      byte[] mutated = whole.clone();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        int at = random.nextInt(mutated.length - VALID_DATA);
        mutated[at] =
            (byte) (random.nextBoolean() ? 32 + random.nextInt(96) : mutated[at] ^ 1 << i);
      }
      try (Arena arena = Arena.ofConfined()) {
        SafetensorsFile file = SafetensorsFile.open(write(mutated), arena);
        file.tensors()
            .values()
            .forEach(t -> assertThat(file.data(t).byteSize()).isEqualTo(t.bytes()));
        opened++;
      } catch (ModelFormatException e) {
        assertThat(e.getMessage()).isNotBlank();
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ", round " + round, e);
      }
    }
    assertThat(opened).isBetween(1, 999);
  }
}
