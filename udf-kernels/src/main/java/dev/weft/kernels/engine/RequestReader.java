package dev.weft.kernels.engine;

import dev.weft.batching.request.OutputDistribution;
import dev.weft.batching.request.Side;
import dev.weft.kernels.sampling.RandomStream;
import dev.weft.kernels.sampling.SamplingParams;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.types.pojo.Field;

/** Reads and checks one batch of requests against the model. */
final class RequestReader {
  private static final int MAX_STOP_TOKENS = 1024;
  private static final int MAX_STOP_CHARACTERS = 4096;

  private final int vocabulary;
  private final int contextTokens;
  private final long jobSeed;

  private BigIntVector row;
  private VarCharVector requestId;
  private ListVector tokens;
  private TinyIntVector side;
  private IntVector estimatedOutputTokens;
  private ListVector outputLengths;
  private IntVector maxTokens;
  private Float4Vector temperature;
  private Float4Vector topP;
  private IntVector topK;
  private Float4Vector minP;
  private Float4Vector repetitionPenalty;
  private Float4Vector frequencyPenalty;
  private Float4Vector presencePenalty;
  private BigIntVector seed;
  private IntVector n;
  private ListVector stop;
  private ListVector stopTokenIds;
  private IntVector logprobs;
  private BitVector ignoreEos;

  RequestReader(int vocabulary, int contextTokens, long jobSeed) {
    this.vocabulary = vocabulary;
    this.contextTokens = contextTokens;
    this.jobSeed = jobSeed;
  }

  /** What is wrong with a request. */
  static final class InvalidRequest extends Exception {
    private static final long serialVersionUID = 1L;
    private final EngineError error;

    InvalidRequest(EngineError error, String message) {
      super(message, null, false, false);
      this.error = error;
    }

    EngineError error() {
      return error;
    }
  }

  /**
   * Takes the batch whose rows are read next.
   *
   * @throws EngineException if a column is missing or of another type
   */
  void open(VectorSchemaRoot batch) {
    row = column(batch, RequestSchema.ROW, BigIntVector.class);
    requestId = column(batch, RequestSchema.REQUEST_ID, VarCharVector.class);
    tokens = column(batch, RequestSchema.TOKENS, ListVector.class);
    side = column(batch, RequestSchema.SIDE, TinyIntVector.class);
    estimatedOutputTokens = column(batch, RequestSchema.ESTIMATED_OUTPUT_TOKENS, IntVector.class);
    outputLengths = column(batch, RequestSchema.OUTPUT_LENGTHS, ListVector.class);
    maxTokens = column(batch, RequestSchema.MAX_TOKENS, IntVector.class);
    temperature = column(batch, RequestSchema.TEMPERATURE, Float4Vector.class);
    topP = column(batch, RequestSchema.TOP_P, Float4Vector.class);
    topK = column(batch, RequestSchema.TOP_K, IntVector.class);
    minP = column(batch, RequestSchema.MIN_P, Float4Vector.class);
    repetitionPenalty = column(batch, RequestSchema.REPETITION_PENALTY, Float4Vector.class);
    frequencyPenalty = column(batch, RequestSchema.FREQUENCY_PENALTY, Float4Vector.class);
    presencePenalty = column(batch, RequestSchema.PRESENCE_PENALTY, Float4Vector.class);
    seed = column(batch, RequestSchema.SEED, BigIntVector.class);
    n = column(batch, RequestSchema.N, IntVector.class);
    stop = column(batch, RequestSchema.STOP, ListVector.class);
    stopTokenIds = column(batch, RequestSchema.STOP_TOKEN_IDS, ListVector.class);
    logprobs = column(batch, RequestSchema.LOGPROBS, IntVector.class);
    ignoreEos = column(batch, RequestSchema.IGNORE_EOS, BitVector.class);
  }

  /** The number of a row, which even an invalid request needs. */
  long row(int i) {
    if (row.isNull(i)) {
      throw new EngineException(
          "column row of the requests is null in line " + i + " of a batch; number every request");
    }
    return row.get(i);
  }

  String requestId(int i) {
    return requestId.isNull(i) ? "" : text(requestId, i);
  }

  int promptTokens(int i) {
    return tokens.isNull(i) ? 0 : tokens.getElementEndIndex(i) - tokens.getElementStartIndex(i);
  }

  /** The request in a row. */
  GenerationRequest read(int i) throws InvalidRequest {
    check(!requestId.isNull(i), RequestSchema.REQUEST_ID, "null", "a text");
    int[] prompt = integers(tokens, RequestSchema.TOKENS, i);
    if (prompt.length == 0) {
      throw new InvalidRequest(
          EngineError.PROMPT_EMPTY, "the prompt has no tokens; give it at least one");
    }
    if (prompt.length >= contextTokens) {
      throw new InvalidRequest(
          EngineError.PROMPT_EXCEEDS_CONTEXT,
          "the prompt of "
              + prompt.length
              + " tokens leaves no room for an answer in the context of "
              + contextTokens
              + "; shorten it");
    }
    requireInVocabulary(prompt, RequestSchema.TOKENS);
    int max = integer(maxTokens, RequestSchema.MAX_TOKENS, i, 1, Integer.MAX_VALUE);
    String id = text(requestId, i);
    int room = contextTokens - prompt.length;
    return new GenerationRequest(
        row(i),
        id,
        prompt,
        Side.values()[integer(side, i)],
        integer(
            estimatedOutputTokens, RequestSchema.ESTIMATED_OUTPUT_TOKENS, i, 0, Integer.MAX_VALUE),
        outputLengths(i),
        Math.min(max, room),
        sampling(i),
        seed.isNull(i) ? RandomStream.key(jobSeed, id) : RandomStream.key(seed.get(i)),
        integer(n, RequestSchema.N, i, 1, RequestSchema.MAX_N),
        stops(i),
        stopTokens(i),
        logprobs.isNull(i)
            ? GenerationRequest.NO_LOGPROBS
            : integer(logprobs, RequestSchema.LOGPROBS, i, 0, RequestSchema.MAX_LOGPROBS),
        bool(i));
  }

  private OutputDistribution outputLengths(int i) throws InvalidRequest {
    int[] lengths = integers(outputLengths, RequestSchema.OUTPUT_LENGTHS, i);
    try {
      return lengths.length == 0 ? null : OutputDistribution.ofPoints(lengths);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest(EngineError.PARAMETER_OUT_OF_RANGE, e.getMessage());
    }
  }

  private SamplingParams sampling(int i) throws InvalidRequest {
    try {
      return new SamplingParams(
          number(repetitionPenalty, RequestSchema.REPETITION_PENALTY, i),
          number(frequencyPenalty, RequestSchema.FREQUENCY_PENALTY, i),
          number(presencePenalty, RequestSchema.PRESENCE_PENALTY, i),
          number(temperature, RequestSchema.TEMPERATURE, i),
          integer(topK, RequestSchema.TOP_K, i, 0, Integer.MAX_VALUE),
          number(topP, RequestSchema.TOP_P, i),
          number(minP, RequestSchema.MIN_P, i));
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest(EngineError.PARAMETER_OUT_OF_RANGE, e.getMessage());
    }
  }

  private String[] stops(int i) throws InvalidRequest {
    int count = count(stop, RequestSchema.STOP, i, RequestSchema.MAX_STOPS);
    var texts = new String[count];
    var elements = (VarCharVector) stop.getDataVector();
    for (int k = 0; k < count; k++) {
      int at = stop.getElementStartIndex(i) + k;
      check(!elements.isNull(at), RequestSchema.STOP, "a list with null", "texts");
      texts[k] = text(elements, at);
      int length = texts[k].length();
      check(
          length >= 1 && length <= MAX_STOP_CHARACTERS,
          RequestSchema.STOP,
          "a text of " + length + " characters",
          "1 to " + MAX_STOP_CHARACTERS + " characters");
    }
    return texts;
  }

  private int[] stopTokens(int i) throws InvalidRequest {
    count(stopTokenIds, RequestSchema.STOP_TOKEN_IDS, i, MAX_STOP_TOKENS);
    int[] ids = integers(stopTokenIds, RequestSchema.STOP_TOKEN_IDS, i);
    requireInVocabulary(ids, RequestSchema.STOP_TOKEN_IDS);
    return ids;
  }

  private static int[] integers(ListVector list, String name, int i) throws InvalidRequest {
    int count = count(list, name, i, Integer.MAX_VALUE);
    int start = list.getElementStartIndex(i);
    var elements = (IntVector) list.getDataVector();
    var values = new int[count];
    for (int k = 0; k < count; k++) {
      check(!elements.isNull(start + k), name, "a list with null", "numbers");
      values[k] = elements.get(start + k);
    }
    return values;
  }

  private static int count(ListVector list, String name, int i, int most) throws InvalidRequest {
    check(!list.isNull(i), name, "null", "a list");
    int count = list.getElementEndIndex(i) - list.getElementStartIndex(i);
    check(count <= most, name, "a list of " + count, "at most " + most);
    return count;
  }

  private void requireInVocabulary(int[] ids, String name) throws InvalidRequest {
    for (int k = 0; k < ids.length; k++) {
      if (ids[k] < 0 || ids[k] >= vocabulary) {
        throw new InvalidRequest(
            EngineError.TOKEN_OUT_OF_RANGE,
            name
                + " has token "
                + ids[k]
                + " at position "
                + k
                + "; the vocabulary has 0 to "
                + (vocabulary - 1));
      }
    }
  }

  private static int integer(IntVector column, String name, int i, int low, int high)
      throws InvalidRequest {
    check(!column.isNull(i), name, "null", "a number");
    int value = column.get(i);
    String range = high == Integer.MAX_VALUE ? low + " or more" : low + " to " + high;
    check(value >= low && value <= high, name, String.valueOf(value), range);
    return value;
  }

  private static int integer(TinyIntVector column, int i) throws InvalidRequest {
    check(!column.isNull(i), RequestSchema.SIDE, "null", "0 or 1");
    int value = column.get(i);
    check(value == 0 || value == 1, RequestSchema.SIDE, String.valueOf(value), "0 or 1");
    return value;
  }

  private static float number(Float4Vector column, String name, int i) throws InvalidRequest {
    check(!column.isNull(i), name, "null", "a number");
    return column.get(i);
  }

  private boolean bool(int i) throws InvalidRequest {
    check(!ignoreEos.isNull(i), RequestSchema.IGNORE_EOS, "null", "true or false");
    return ignoreEos.get(i) == 1;
  }

  private static String text(VarCharVector column, int i) {
    return new String(column.get(i), StandardCharsets.UTF_8);
  }

  private static void check(boolean holds, String name, String value, String allowed)
      throws InvalidRequest {
    if (!holds) {
      throw new InvalidRequest(
          EngineError.PARAMETER_OUT_OF_RANGE, name + " is " + value + "; allowed is " + allowed);
    }
  }

  private static <V extends FieldVector> V column(
      VectorSchemaRoot batch, String name, Class<V> type) {
    Field wanted = RequestSchema.SCHEMA.findField(name);
    FieldVector column = batch.getVector(name);
    if (column == null) {
      throw new EngineException(
          "the batch of requests has no column " + name + " of " + wanted.getType());
    }
    boolean same = type.isInstance(column) && column.getField().getType().equals(wanted.getType());
    if (same && column instanceof ListVector list) {
      same =
          list.getDataVector()
              .getField()
              .getType()
              .equals(wanted.getChildren().getFirst().getType());
    }
    if (!same) {
      throw new EngineException(
          String.format(
              Locale.ROOT,
              "column %s of the batch of requests is %s; it must be %s",
              name,
              column.getField(),
              wanted));
    }
    return type.cast(column);
  }
}
