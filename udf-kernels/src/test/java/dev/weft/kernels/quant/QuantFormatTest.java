package dev.weft.kernels.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class QuantFormatTest {
  static List<QuantFormat> written() {
    return Arrays.stream(QuantFormat.values()).filter(QuantFormat::encodes).toList();
  }

  private static Path shared(String name) {
    Path path = Path.of(System.getProperty("weft.shared.data", "absent"), "quant", name);
    Assumptions.assumeTrue(
        Files.exists(path),
        "skipped: " + path + " is not there (system property weft.shared.data)");
    return path;
  }

  private static float[] floats(Path path) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    var floats = new float[bytes.remaining() / 4];
    bytes.asFloatBuffer().get(floats);
    return floats;
  }

  /** Every format that the golden index names and that is read here. */
  @Test
  void decodesGoldenBlocksBitByBit() throws IOException {
    int checked = 0;
    for (JsonNode entry : new ObjectMapper().readTree(shared("index.json").toFile()).get("files")) {
      Optional<QuantFormat> known = QuantFormat.ofGgmlType(entry.path("ggml_type").asInt(-1));
      if (known.isEmpty()) {
        continue;
      }
      QuantFormat format = known.get();
      assertThat(format).hasToString(entry.get("type").asText());
      assertThat(format.blockElements()).isEqualTo(entry.get("block_size").asInt());
      assertThat(format.blockBytes()).isEqualTo(entry.get("type_size").asInt());
      float[] expected = floats(shared(format + ".f32"));
      var actual = new float[expected.length];
      MemorySegment raw = MemorySegment.ofArray(Files.readAllBytes(shared(format + ".raw")));
      format.decode(raw, 0, actual, 0, actual.length);
      // Comparison by equals: NaN is NaN and the zeros differ.
      assertThat(actual).as("%s", format).isEqualTo(expected);
      checked++;
    }
    assertThat(checked).isEqualTo(10);
  }

  @ParameterizedTest
  @MethodSource("written")
  void encodesAsTheReference(QuantFormat format) throws IOException {
    String name = "quantize_" + format + ".raw";
    if (format == QuantFormat.F32) {
      name = "quantize_input.f32";
    }
    float[] input = floats(shared("quantize_input.f32"));
    byte[] expected = Files.readAllBytes(shared(name));
    var actual = new byte[expected.length];
    assertThat(format.bytes(input.length)).isEqualTo(expected.length);
    format.encode(input, 0, MemorySegment.ofArray(actual), 0, input.length);
    assertThat(actual).isEqualTo(expected);
  }

  /** The error of one value is at most half a step of its block, and what f16 does to the scale. */
  @ParameterizedTest
  @MethodSource("written")
  void keepsValuesWithinHalfAStep(QuantFormat format) {
    long seed = 20261121;
    var random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int n = format.blockElements() * (1 + random.nextInt(3));
      var values = new float[n + 1];
      float scale = (float) Math.exp(random.nextGaussian());
      for (int i = 0; i <= n; i++) {
        values[i] = (float) random.nextGaussian() * scale;
      }
      MemorySegment encoded = MemorySegment.ofArray(new byte[3 + (int) format.bytes(n)]);
      format.encode(values, 1, encoded, 3, n);
      var decoded = new float[n + 2];
      format.decode(encoded, 3, decoded, 2, n);
      for (int i = 0; i < n; i++) {
        float largest = Math.abs(values[1 + i]);
        int block = i / format.blockElements() * format.blockElements();
        for (int j = 0; j < format.blockElements(); j++) {
          largest = Math.max(largest, Math.abs(values[1 + block + j]));
        }
        double step =
            switch (format) {
              case F32 -> 0;
              case F16 -> Math.max(largest * 0x1p-10, 0x1p-24);
              case BF16 -> largest * 0x1p-7;
              case Q8_0 -> largest / 127 * 1.13;
              // The largest positive nibble is 7 where the scale spans 8: a whole step there.
              case Q4_0 -> largest / 8 * 2.02;
              case Q5_0 -> largest / 16 * 2.05;
              case Q4_1 -> 2 * largest / 15 * 1.02 + largest * 0x1p-10;
              case Q5_1 -> 2 * largest / 31 * 1.04 + largest * 0x1p-10;
              case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> throw new AssertionError(format);
            };
        assertThat((double) Math.abs(decoded[2 + i] - values[1 + i]))
            .as("seed %d, %s, round %d, value %d", seed, format, round, i)
            .isLessThanOrEqualTo(step / 2);
      }
      assertThat(decoded[0]).isZero();
      assertThat(decoded[1]).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("written")
  void encodesZeroAndExtremes(QuantFormat format) {
    int n = format.blockElements();
    MemorySegment encoded = MemorySegment.ofArray(new byte[format.blockBytes()]);
    format.encode(new float[n], 0, encoded, 0, n);
    var decoded = new float[n];
    format.decode(encoded, 0, decoded, 0, n);
    for (float value : decoded) {
      assertThat(value).isZero();
    }
    var ones = new float[n];
    Arrays.fill(ones, -1);
    format.encode(ones, 0, encoded, 0, n);
    format.decode(encoded, 0, decoded, 0, n);
    for (float value : decoded) {
      assertThat(value).isBetween(-1.001f, -0.999f);
    }
  }

  @Test
  void refusesToWriteWhatItOnlyReads() {
    for (QuantFormat format : QuantFormat.values()) {
      if (!format.encodes()) {
        MemorySegment block = MemorySegment.ofArray(new byte[format.blockBytes()]);
        assertThatThrownBy(() -> format.encode(new float[256], 0, block, 0, 256))
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessageContaining("only read");
      }
    }
  }

  @Test
  void refusesPartsOfBlocks() {
    assertThatThrownBy(() -> QuantFormat.Q8_0.bytes(33))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("33 values are not a whole number of Q8_0 blocks of 32");
    assertThatThrownBy(() -> QuantFormat.Q4_0.decode(MemorySegment.NULL, 0, new float[40], 0, 40))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> QuantFormat.Q8_0.bytes(Long.MAX_VALUE / 32 * 32))
        .isInstanceOf(ArithmeticException.class);
  }

  /** Looking at scales alone finds what decoding all values finds. */
  @Test
  void findsBlocksThatAreNotFinite() {
    long seed = new Random().nextLong();
    System.out.println("QuantFormatTest seed " + seed);
    var random = new Random(seed);
    for (QuantFormat format : QuantFormat.values()) {
      int blocks = 4000;
      var bytes = new byte[blocks * format.blockBytes()];
      random.nextBytes(bytes);
      var values = new float[format.blockElements()];
      long from = 0;
      int found = 0;
      while (true) {
        MemorySegment rest = MemorySegment.ofArray(bytes).asSlice(from * format.blockBytes());
        long first = format.firstNonFiniteBlock(rest, blocks - from);
        long end = first < 0 ? blocks - from : first;
        for (long block = 0; block < end; block++) {
          format.decode(rest, block * format.blockBytes(), values, 0, values.length);
          assertThat(allFinite(values)).as("%s, seed %d", format, seed).isTrue();
        }
        if (first < 0) {
          break;
        }
        format.decode(rest, first * format.blockBytes(), values, 0, values.length);
        assertThat(allFinite(values)).as("%s, seed %d", format, seed).isFalse();
        from += first + 1;
        found++;
      }
      assertThat(found).as("%s, seed %d", format, seed).isPositive();
    }
  }

  private static boolean allFinite(float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  @Test
  void knowsFormatsByNumber() {
    for (QuantFormat format : QuantFormat.values()) {
      assertThat(QuantFormat.ofGgmlType(format.ggmlType())).contains(format);
    }
    assertThat(QuantFormat.ofGgmlType(-1)).isEmpty();
  }
}
