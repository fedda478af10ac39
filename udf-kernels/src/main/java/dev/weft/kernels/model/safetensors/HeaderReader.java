package dev.weft.kernels.model.safetensors;

import static dev.weft.kernels.model.ModelFormatException.DAMAGED;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.weft.kernels.json.JsonText;
import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the JSON header of one file as a stream, so that a header with another structure is refused
 * where it begins to differ and takes no memory.
 */
final class HeaderReader {
  private static final String METADATA = "__metadata__";
  private static final int MAX_TENSORS = 1 << 20;
  private static final int MAX_DIMENSIONS = 8;

  private final String where;
  private final long dataStart;
  private final long dataBytes;

  /**
   * @param where the file, for messages
   * @param dataStart first byte after the header
   * @param dataBytes bytes from there to the end of the file
   */
  HeaderReader(String where, long dataStart, long dataBytes) {
    this.where = where;
    this.dataStart = dataStart;
    this.dataBytes = dataBytes;
  }

  /** The tensors by name, in the order of the header; each lies inside the file. */
  Map<String, SafetensorsTensor> read(ByteBuffer json) {
    return JsonText.read(json, where, this::tensors);
  }

  private Map<String, SafetensorsTensor> tensors(JsonParser parser) throws IOException {
    expect(parser, JsonToken.START_OBJECT, "the header", "an object");
    var tensors = new LinkedHashMap<String, SafetensorsTensor>();
    boolean metadata = false;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      if (name.equals(METADATA)) {
        if (metadata) {
          throw malformed(METADATA + " occurs twice in the header");
        }
        metadata = true;
        skipMetadata(parser);
        continue;
      }
      if (tensors.size() == MAX_TENSORS) {
        throw malformed("the header has more than " + MAX_TENSORS + " tensors");
      }
      SafetensorsTensor tensor = tensor(parser, name);
      if (tensors.putIfAbsent(name, tensor) != null) {
        throw malformed("tensor " + name + " occurs twice in the header");
      }
    }
    return tensors;
  }

  /** Texts by name, which say nothing that is needed here. */
  private void skipMetadata(JsonParser parser) throws IOException {
    expect(parser, JsonToken.START_OBJECT, METADATA, "an object");
    var keys = new HashSet<String>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      if (!keys.add(key)) {
        throw malformed(METADATA + " has the key " + key + " twice");
      }
      parser.nextToken();
      expect(parser, JsonToken.VALUE_STRING, METADATA + " key " + key, "a string");
    }
  }

  private SafetensorsTensor tensor(JsonParser parser, String name) throws IOException {
    String what = "tensor " + name;
    expect(parser, JsonToken.START_OBJECT, what, "an object");
    Dtype dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    Set<String> seen = new HashSet<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      parser.nextToken();
      if (!seen.add(key)) {
        throw malformed(what + " has the key " + key + " twice");
      }
      switch (key) {
        case "dtype" -> dtype = dtype(parser, what);
        case "shape" -> shape = counts(parser, what + ", shape,", MAX_DIMENSIONS);
        case "data_offsets" -> offsets = counts(parser, what + ", data_offsets,", 2);
        default -> throw malformed(what + " has the unknown key " + key);
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw malformed(
          what + " lacks " + (dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets"));
    }
    return place(name, dtype, shape, offsets);
  }

  private Dtype dtype(JsonParser parser, String what) throws IOException {
    expect(parser, JsonToken.VALUE_STRING, what + ", dtype,", "a string");
    String name = parser.getText();
    return Dtype.of(name)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    what + " has the dtype " + name + ", which is not known",
                    where,
                    "Known are "
                        + Arrays.toString(Dtype.values())
                        + "; save the model in one of them."));
  }

  private List<Long> counts(JsonParser parser, String what, int most) throws IOException {
    expect(parser, JsonToken.START_ARRAY, what, "an array of integers");
    var counts = new ArrayList<Long>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(parser, JsonToken.VALUE_NUMBER_INT, what, "an array of integers");
      if (counts.size() == most) {
        throw malformed(what + " has more than " + most + " numbers");
      }
      if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          || parser.getLongValue() < 0) {
        throw malformed(what + " has " + parser.getText() + ", must be 0 to 2^63 - 1");
      }
      counts.add(parser.getLongValue());
    }
    return List.copyOf(counts);
  }

  private SafetensorsTensor place(String name, Dtype dtype, List<Long> shape, List<Long> offsets) {
    String what = "tensor " + name;
    if (offsets.size() != 2) {
      throw malformed(what + " has " + offsets.size() + " data_offsets, must be 2");
    }
    long begin = offsets.get(0);
    long end = offsets.get(1);
    if (begin > end) {
      throw malformed(what + " begins at " + begin + ", after its end at " + end);
    }
    if (end > dataBytes) {
      throw malformed(
          "%s ends at data offset %d, but the file has only %d bytes of data"
              .formatted(what, end, dataBytes));
    }
    long bytes = dtype.bytes();
    for (long dimension : shape) {
      if (dimension != 0 && bytes > Long.MAX_VALUE / dimension) {
        throw malformed(what + " has the shape " + shape + ", too large for any file");
      }
      bytes *= dimension;
    }
    if (bytes != end - begin) {
      throw malformed(
          "%s has the shape %s of %s, which takes %d bytes, but data_offsets for %d"
              .formatted(what, shape, dtype, bytes, end - begin));
    }
    return new SafetensorsTensor(name, dtype, shape, dataStart + begin, bytes);
  }

  private void expect(JsonParser parser, JsonToken token, String what, String wanted)
      throws IOException {
    if (parser.currentToken() != token) {
      throw malformed(what + " is " + parser.currentToken() + ", must be " + wanted);
    }
  }

  private ModelFormatException malformed(String what) {
    return new ModelFormatException(what, where, DAMAGED);
  }
}
