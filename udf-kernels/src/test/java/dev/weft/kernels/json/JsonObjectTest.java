package dev.weft.kernels.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.model.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonObjectTest {
  private static JsonObject parse(String json) {
    return JsonObject.parse(ByteBuffer.wrap(json.getBytes(UTF_8)), "config.json");
  }

  private static void refused(ThrowingCallable reading, String message) {
    assertThatThrownBy(reading)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("config.json");
  }

  @Test
  void givesTypedValues() {
    JsonObject json =
        parse(
            """
            {"s": "\\u00e4", "i": 7, "r": 1e-5, "t": true, "n": null, "o": {"k": [1, "x", {}]}}
            """);
    assertThat(json.string("s")).isEqualTo("\u00e4");
    assertThat(json.integer("i", 1, 7)).isEqualTo(7);
    assertThat(json.real("r")).isEqualTo(1e-5);
    assertThat(json.real("i")).isEqualTo(7);
    assertThat(json.bool("t", false)).isTrue();
    assertThat(json.contains("n")).isFalse();
    assertThat(json.integer("n", 0, 9, 3)).isEqualTo(3);
    assertThat(json.object("o").array("k")).hasSize(3);
    assertThat(json.keys()).containsExactly("s", "i", "r", "t", "n", "o");
  }

  @Test
  void namesWhatIsWrong() {
    JsonObject json = parse("{\"a\": \"x\", \"i\": 99, \"f\": 1.5, \"big\": 1e999, \"o\": {}}");
    refused(() -> json.integer("a", 0, 1), "key a is \"x\", must be an integer");
    refused(() -> json.integer("f", 0, 1), "key f is 1.5, must be an integer");
    refused(() -> json.integer("i", 0, 1), "key i is 99, must be between 0 and 1");
    refused(() -> json.integer("absent", 0, 1), "key absent is missing");
    refused(() -> json.real("big"), "must be finite");
    refused(() -> json.string("o"), "key o is an object, must be a string");
    refused(() -> json.object("o").string("k"), "key o.k is missing");
    refused(() -> json.array("i"), "must be an array");
    refused(() -> json.objects("i"), "must be an array");
    refused(() -> parse("{\"l\": [{}, 5]}").objects("l"), "key l has 5 at index 1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "7",
        "{",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1}x",
        "{\"a\":1}{}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"a\":\"\u0001\"}"
      })
  void refusesWhatIsNotStrict(String json) {
    assertThatThrownBy(() -> parse(json)).isInstanceOf(ModelFormatException.class);
  }

  @Test
  void refusesWhatHasNoBounds(@TempDir Path folder) throws Exception {
    refused(() -> parse("{\"a\":" + "[".repeat(100) + "]".repeat(100) + "}"), "nesting depth");
    refused(() -> parse("{\"a\":" + "{\"a\":".repeat(100_000)), "nesting depth");
    refused(() -> parse("{\"a\":" + "1".repeat(1000) + "}"), "Number value length");
    refused(() -> parse("{\"" + "n".repeat(1 << 17) + "\":1}"), "Name length");
    refused(() -> parse("{\"a\":[" + "0,".repeat(1 << 23) + "0]}"), "more than 8388608 values");
    Path file = Files.writeString(folder.resolve("config.json"), "{}          ");
    refused(() -> JsonObject.read(file, 4), "has 12 bytes, at most 4 are read");
  }
}
