package dev.weft.kernels.engine;

import dev.weft.kernels.tokenizer.StreamingDecoder;
import dev.weft.kernels.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TimeStampMicroTZVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.types.pojo.Schema;

/** Writes record batches of results and of step metrics, in the reader's thread. */
final class BatchWriter {
  private static final double NANOS = 1e-9;

  private final Tokenizer tokenizer;
  private final BufferAllocator allocator;

  BatchWriter(Tokenizer tokenizer, BufferAllocator allocator) {
    this.tokenizer = tokenizer;
    this.allocator = allocator;
  }

  VectorSchemaRoot results(List<Answer> answers) {
    return write(ResultSchema.SCHEMA, answers.size(), root -> fill(root, answers));
  }

  VectorSchemaRoot steps(List<StepRow> rows) {
    return write(StepSchema.SCHEMA, rows.size(), root -> fillSteps(root, rows));
  }

  private interface Fill {
    void into(VectorSchemaRoot root);
  }

  private VectorSchemaRoot write(Schema schema, int rows, Fill fill) {
    VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator);
    try {
      for (FieldVector vector : root.getFieldVectors()) {
        vector.setInitialCapacity(rows);
      }
      fill.into(root);
      root.setRowCount(rows);
      return root;
    } catch (Throwable e) {
      root.close();
      throw e;
    }
  }

  private void fill(VectorSchemaRoot root, List<Answer> answers) {
    for (int i = 0; i < answers.size(); i++) {
      Answer a = answers.get(i);
      boolean failed = a.error != null;
      ((BigIntVector) root.getVector(ResultSchema.ROW)).setSafe(i, a.row);
      integer(root, ResultSchema.SAMPLE, i, a.sample);
      text(root, ResultSchema.REQUEST_ID, i, a.requestId);
      text(root, ResultSchema.TEXT, i, failed ? null : answerText(a));
      tokens(root, i, a);
      text(root, ResultSchema.FINISH_REASON, i, failed ? "error" : a.finishReason);
      text(root, ResultSchema.STOP_REASON, i, a.stopReason);
      text(root, ResultSchema.ERROR_CODE, i, failed ? a.error.name() : null);
      text(root, ResultSchema.ERROR_MESSAGE, i, a.errorMessage);
      logprobs(root, i, a);
      integer(root, ResultSchema.PROMPT_TOKENS, i, a.promptTokens);
      integer(root, ResultSchema.SHARED_TOKENS, i, a.sharedTokens);
      integer(root, ResultSchema.OUTPUT_TOKENS, i, a.outputTokens);
      integer(root, ResultSchema.RECOMPUTED_TOKENS, i, a.recomputedTokens);
      number(root, ResultSchema.QUEUE_SECONDS, i, seconds(a.submittedNanos, a.startedNanos));
      number(root, ResultSchema.PREFILL_SECONDS, i, seconds(a.startedNanos, a.firstTokenNanos));
      number(root, ResultSchema.DECODE_SECONDS, i, seconds(a.firstTokenNanos, a.endedNanos));
      number(root, ResultSchema.ENERGY_JOULES, i, a.energyJoules);
      text(root, ResultSchema.ENERGY_SOURCE, i, a.energySource);
    }
  }

  private String answerText(Answer a) {
    if (a.stopText != null) {
      return a.stopText.text();
    }
    var decoder = new StreamingDecoder(tokenizer);
    var text = new StringBuilder();
    for (int i = 0; i < a.length; i++) {
      text.append(decoder.accept(a.tokens[i]));
    }
    return text.append(decoder.finish()).toString();
  }

  private static void tokens(VectorSchemaRoot root, int i, Answer a) {
    ListVector list = (ListVector) root.getVector(ResultSchema.TOKENS);
    int at = list.startNewValue(i);
    IntVector values = (IntVector) list.getDataVector();
    for (int t = 0; t < a.length; t++) {
      values.setSafe(at + t, a.tokens[t]);
    }
    list.endValue(i, a.length);
  }

  private void logprobs(VectorSchemaRoot root, int i, Answer a) {
    ListVector list = (ListVector) root.getVector(ResultSchema.LOGPROBS);
    Float8Vector cumulative = (Float8Vector) root.getVector(ResultSchema.CUMULATIVE_LOGPROB);
    if (a.error != null || !a.request.wantsLogprobs()) {
      list.setNull(i);
      cumulative.setNull(i);
      return;
    }
    int at = list.startNewValue(i);
    StructVector element = (StructVector) list.getDataVector();
    ListVector top = element.getChild("top", ListVector.class);
    StructVector topElement = (StructVector) top.getDataVector();
    double sum = 0;
    for (int t = 0; t < a.length; t++) {
      token(element, at + t, a.tokens[t], a.logprobs[t]);
      int topAt = top.startNewValue(at + t);
      for (int k = 0; k < a.tops; k++) {
        int from = t * a.tops + k;
        token(topElement, topAt + k, a.topTokens[from], a.topLogprobs[from]);
      }
      top.endValue(at + t, a.tops);
      sum += a.logprobs[t];
    }
    list.endValue(i, a.length);
    cumulative.setSafe(i, sum);
  }

  private void token(StructVector struct, int at, int token, double logprob) {
    struct.setIndexDefined(at);
    struct.getChild("token", IntVector.class).setSafe(at, token);
    struct
        .getChild("text", VarCharVector.class)
        .setSafe(at, tokenText(token).getBytes(StandardCharsets.UTF_8));
    struct.getChild("logprob", Float4Vector.class).setSafe(at, (float) logprob);
  }

  private String tokenText(int token) {
    return tokenizer.isSpecial(token)
        ? tokenizer.tokenText(token)
        : new String(tokenizer.bytes(token), StandardCharsets.UTF_8);
  }

  private static double seconds(long from, long to) {
    return from == 0 || to == 0 ? 0 : (to - from) * NANOS;
  }

  private static void fillSteps(VectorSchemaRoot root, List<StepRow> rows) {
    for (int i = 0; i < rows.size(); i++) {
      StepRow r = rows.get(i);
      ((BigIntVector) root.getVector(StepSchema.STEP)).setSafe(i, r.step());
      ((TimeStampMicroTZVector) root.getVector(StepSchema.STARTED_AT))
          .setSafe(i, r.startedAtMicros());
      number(root, StepSchema.SECONDS, i, r.seconds());
      if (Double.isNaN(r.predictedSeconds())) {
        root.getVector(StepSchema.PREDICTED_SECONDS).setNull(i);
      } else {
        number(root, StepSchema.PREDICTED_SECONDS, i, r.predictedSeconds());
      }
      integer(root, StepSchema.PREFILL_TOKENS, i, r.prefillTokens());
      integer(root, StepSchema.DECODE_TOKENS, i, r.decodeTokens());
      integer(root, StepSchema.LOGIT_TOKENS, i, r.logitTokens());
      ((BigIntVector) root.getVector(StepSchema.PREFILL_PAIRS)).setSafe(i, r.prefillPairs());
      ((BigIntVector) root.getVector(StepSchema.KV_TOKENS_READ)).setSafe(i, r.kvTokensRead());
      integer(root, StepSchema.COMPUTE_SIDE_TOKENS, i, r.computeSideTokens());
      integer(root, StepSchema.MEMORY_SIDE_TOKENS, i, r.memorySideTokens());
      integer(root, StepSchema.SHARED_TOKENS, i, r.sharedTokens());
      integer(root, StepSchema.RECOMPUTED_TOKENS, i, r.recomputedTokens());
      integer(root, StepSchema.RUNNING_SEQUENCES, i, r.runningSequences());
      integer(root, StepSchema.WAITING_SEQUENCES, i, r.waitingSequences());
      integer(root, StepSchema.KV_PAGES_USED, i, r.kvPagesUsed());
      integer(root, StepSchema.KV_PAGES_TOTAL, i, r.kvPagesTotal());
      integer(root, StepSchema.PREEMPTIONS, i, r.preemptions());
      integer(root, StepSchema.PREFIX_HITS, i, r.prefixHits());
      integer(root, StepSchema.PREFIX_LOOKUPS, i, r.prefixLookups());
      number(root, StepSchema.ENERGY_JOULES, i, r.energyJoules());
      text(root, StepSchema.ENERGY_SOURCE, i, r.energySource());
    }
  }

  private static void integer(VectorSchemaRoot root, String name, int i, int value) {
    ((IntVector) root.getVector(name)).setSafe(i, value);
  }

  private static void number(VectorSchemaRoot root, String name, int i, double value) {
    ((Float8Vector) root.getVector(name)).setSafe(i, value);
  }

  private static void text(VectorSchemaRoot root, String name, int i, String value) {
    VarCharVector vector = (VarCharVector) root.getVector(name);
    if (value == null) {
      vector.setNull(i);
    } else {
      vector.setSafe(i, value.getBytes(StandardCharsets.UTF_8));
    }
  }
}
