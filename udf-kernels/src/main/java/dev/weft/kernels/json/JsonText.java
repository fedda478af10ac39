package dev.weft.kernels.json;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;

/**
 * Opens parsers over UTF-8 JSON that refuse what is not strict JSON, nests too deep, or holds names
 * and numbers longer than any that make sense. The length of the text bounds the rest.
 */
public final class JsonText {
  private static final int MAX_NESTING = 64;
  private static final int MAX_NUMBER_CHARS = 64;
  private static final int MAX_NAME_CHARS = 1 << 16;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_NESTING)
                  .maxNumberLength(MAX_NUMBER_CHARS)
                  .maxNameLength(MAX_NAME_CHARS)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          // Names of strangers do not belong in tables that live as long as the process.
          .configure(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES, false)
          .configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .build();

  private JsonText() {}

  /** What reads from a parser. */
  @FunctionalInterface
  public interface Reading<T> {
    /** Reads one value, the current token its first, and leaves the parser on its last. */
    T read(JsonParser parser) throws IOException;
  }

  /**
   * Reads the one value of a text.
   *
   * @param bytes the whole text in UTF-8
   * @param where the file, for messages
   * @throws ModelFormatException if the text is not valid, or {@code reading} refuses it
   */
  public static <T> T read(ByteBuffer bytes, String where, Reading<T> reading) {
    // Decoded as it is read: a text of the whole would be as large as the file, or twice.
    var text = new InputStreamReader(new Bytes(bytes.duplicate()), UTF_8.newDecoder());
    try (JsonParser parser = FACTORY.createParser(text)) {
      if (parser.nextToken() == null) {
        throw new ModelFormatException("the JSON is empty", where, DAMAGED);
      }
      T value = reading.read(parser);
      if (parser.nextToken() != null) {
        throw new ModelFormatException(
            "the JSON goes on after its end, at character "
                + parser.currentTokenLocation().getCharOffset(),
            where,
            DAMAGED);
      }
      return value;
    } catch (JsonProcessingException e) {
      var at = e.getLocation();
      throw new ModelFormatException(
          "the JSON is not valid"
              + (at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr())
              + ": "
              + firstLine(e.getOriginalMessage()),
          where,
          DAMAGED);
    } catch (CharacterCodingException e) {
      throw new ModelFormatException("the JSON is not valid UTF-8", where, DAMAGED);
    } catch (IOException e) {
      throw new AssertionError("a buffer is read without input", e);
    }
  }

  /** A buffer as a stream. */
  private static final class Bytes extends InputStream {
    private final ByteBuffer bytes;

    Bytes(ByteBuffer bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return bytes.hasRemaining() ? bytes.get() & 0xFF : -1;
    }

    @Override
    public int read(byte[] into, int from, int length) {
      if (!bytes.hasRemaining()) {
        return length == 0 ? 0 : -1;
      }
      int count = Math.min(length, bytes.remaining());
      bytes.get(into, from, count);
      return count;
    }
  }

  private static final String DAMAGED = ModelFormatException.DAMAGED;
  private static final int MAX_MESSAGE_CHARS = 200;

  private static String firstLine(String message) {
    String line = message.lines().findFirst().orElse("");
    return line.length() <= MAX_MESSAGE_CHARS ? line : line.substring(0, MAX_MESSAGE_CHARS) + "...";
  }
}
