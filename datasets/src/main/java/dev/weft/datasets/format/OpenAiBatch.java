package dev.weft.datasets.format;

import static dev.weft.datasets.format.SamplingFields.problem;
import static dev.weft.datasets.format.SamplingFields.typeOf;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * The lines of OpenAI Batch input files: {@code {"custom_id": ..., "method": "POST", "url": ...,
 * "body": {...}}} with the url {@code /v1/chat/completions} or {@code /v1/completions}. Without a
 * url the body tells which of the two is meant. Lines are hostile input: size, encoding, nesting
 * and duplicate keys are checked. Not safe for use by several threads.
 *
 * @see <a href="https://platform.openai.com/docs/guides/batch">OpenAI Batch API</a>
 */
public final class OpenAiBatch {
  private final RequestReader reader;
  private final JsonMapper mapper;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final CharBuffer scratch = CharBuffer.allocate(4096);

  /** Lines are read within the limits of {@code reader}. */
  public OpenAiBatch(RequestReader reader) {
    this.reader = reader;
    StreamReadConstraints constraints =
        StreamReadConstraints.builder()
            .maxNestingDepth(RequestLimits.MAX_DEPTH)
            .maxStringLength(reader.limits().maxRowBytes())
            .maxNumberLength(64)
            .maxNameLength(RequestLimits.MAX_ID_LENGTH)
            .maxTokenCount(RequestLimits.MAX_TOKENS)
            .build();
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(constraints)
            // Names of strangers have no place in the string table of the JVM.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();
    this.mapper =
        JsonMapper.builder(factory)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
  }

  /**
   * Reads one line, without its line end.
   *
   * @throws RequestException if it is not a request that can be answered
   */
  public Request parse(byte[] line, int offset, int length) throws RequestException {
    if (length > reader.limits().maxRowBytes()) {
      throw problem(
          RowProblem.ROW_TOO_LARGE,
          "the line has "
              + length
              + " bytes; at most "
              + reader.limits().maxRowBytes()
              + " are possible");
    }
    checkUtf8(line, offset, length);
    JsonNode root = tree(line, offset, length);
    if (!root.isObject()) {
      throw problem(
          RowProblem.ROW_BROKEN_JSON, "the line must be an object, and is " + typeOf(root));
    }
    JsonNode idNode = root.get("custom_id");
    if (idNode != null && !idNode.isNull() && !idNode.isTextual()) {
      throw problem(RowProblem.FIELD_TYPE, "custom_id must be a string, and is " + typeOf(idNode));
    }
    String id = reader.checkId(idNode == null ? null : idNode.textValue(), "custom_id");
    try {
      JsonNode body = root.get("body");
      if (body == null || !body.isObject()) {
        throw problem(
            RowProblem.FIELD_TYPE,
            "body must be an object, and is " + (body == null ? "missing" : typeOf(body)));
      }
      return reader.fromBody(id, body, isChat(root, body));
    } catch (RequestException e) {
      throw e.withId(id);
    }
  }

  private static boolean isChat(JsonNode root, JsonNode body) throws RequestException {
    JsonNode method = root.get("method");
    if (method != null && !method.isNull() && !method.asText().equalsIgnoreCase("POST")) {
      throw problem(RowProblem.ENDPOINT_UNSUPPORTED, "method is not POST");
    }
    JsonNode url = root.get("url");
    if (url == null || url.isNull()) {
      return !body.hasNonNull("prompt");
    }
    return switch (url.asText()) {
      case "/v1/chat/completions" -> true;
      case "/v1/completions" -> false;
      default ->
          throw problem(
              RowProblem.ENDPOINT_UNSUPPORTED,
              "url must be /v1/chat/completions or /v1/completions");
    };
  }

  private JsonNode tree(byte[] line, int offset, int length) throws RequestException {
    try (JsonParser parser = mapper.createParser(line, offset, length)) {
      JsonNode root = mapper.readTree(parser);
      if (root == null || root.isMissingNode()) {
        throw problem(RowProblem.ROW_BROKEN_JSON, "the line is empty");
      }
      return root;
    } catch (StreamConstraintsException e) {
      // Jackson names the constraint in its message only.
      String what = e.getOriginalMessage();
      RowProblem problem =
          what.contains("nesting depth")
              ? RowProblem.ROW_TOO_DEEP
              : what.startsWith("Token count")
                  ? RowProblem.ROW_TOO_LARGE
                  : RowProblem.ROW_BROKEN_JSON;
      throw problem(problem, e.getOriginalMessage() + at(e));
    } catch (JsonProcessingException e) {
      RowProblem problem =
          e.getOriginalMessage().startsWith("Duplicate field")
              ? RowProblem.ROW_DUPLICATE_KEY
              : RowProblem.ROW_BROKEN_JSON;
      throw problem(problem, firstLine(e.getOriginalMessage()) + at(e));
    } catch (IOException e) {
      throw problem(RowProblem.ROW_BROKEN_JSON, firstLine(String.valueOf(e.getMessage())));
    }
  }

  private static String at(JsonProcessingException e) {
    return e.getLocation() == null ? "" : " (column " + e.getLocation().getColumnNr() + ")";
  }

  private static String firstLine(String message) {
    String first = message.lines().findFirst().orElse("");
    return first.length() <= 300 ? first : first.substring(0, 300) + "...";
  }

  private void checkUtf8(byte[] line, int offset, int length) throws RequestException {
    ByteBuffer bytes = ByteBuffer.wrap(line, offset, length);
    decoder.reset();
    while (true) {
      scratch.clear();
      CoderResult result = decoder.decode(bytes, scratch, true);
      if (result.isError()) {
        throw problem(
            RowProblem.ROW_INVALID_UTF8,
            "byte " + (bytes.position() - offset) + " of the line is not part of UTF-8 text");
      }
      if (result.isUnderflow()) {
        return;
      }
    }
  }
}
