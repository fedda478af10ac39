package dev.weft.jobs.infer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.function.Consumer;

/** Keeps the {@link EngineRates} of one model, backend and kind of machine. */
record RatesFile(Path path) {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  static String json(EngineRates rates) {
    try {
      return JSON.writeValueAsString(rates);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("rates are plain values", e);
    }
  }

  /**
   * @throws IOException if the text is not what {@link #json} writes
   */
  static EngineRates rates(String json) throws IOException {
    return JSON.readValue(json, EngineRates.class);
  }

  /**
   * The rates that are kept, unless there are none or they are of no use.
   *
   * @param warnings told why rates are of no use
   */
  Optional<EngineRates> read(Consumer<String> warnings) {
    if (!Files.isRegularFile(path)) {
      return Optional.empty();
    }
    try {
      String text = Files.readString(path);
      JsonNode tree = JSON.readTree(text);
      int version = tree.path("version").asInt(0);
      if (tree.isObject() && version != EngineRates.VERSION) {
        warnings.accept(
            "%s is of version %d, this program reads %d: the device is measured again"
                .formatted(path, version, EngineRates.VERSION));
        return Optional.empty();
      }
      return Optional.of(rates(text));
    } catch (IOException | IllegalArgumentException e) {
      warnings.accept(
          path + " cannot be read and the device is measured again: " + firstLine(e.getMessage()));
      return Optional.empty();
    }
  }

  /**
   * Keeps rates.
   *
   * @param warnings told when that cannot be done
   */
  void write(EngineRates rates, Consumer<String> warnings) {
    try {
      Files.createDirectories(path.getParent());
      Path aside = Files.createTempFile(path.getParent(), "rates", ".tmp");
      Files.writeString(aside, json(rates));
      Files.move(aside, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      warnings.accept("the measured rates cannot be kept in " + path + ": " + e.getMessage());
    }
  }

  private static String firstLine(String message) {
    return message == null ? "no message" : message.lines().findFirst().orElse("");
  }
}
