package dev.weft.kernels.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Perplexity with every weight format against a float64 run over the same decoded weights. The
 * bound is on its logarithm, in nats for a token: rounding moves single logits by up to about 1e-4
 * in either direction, which over some hundred tokens is far less than 1e-5 on average, and a
 * perplexity of 10 by less than 0.0001. All logits are compared too. Where a backend rounds
 * activations that is with a float64 run that rounds alike; a value close to a tie may be rounded
 * the other way there, which moves the logits of some tokens, so most of them are compared.
 *
 * <p>Trained weights are encoded in the format if Weft can; in formats that are only read, weights
 * and tokens are random.
 */
class PerplexityTest {
  private static final double BOUND_NATS = 1e-5;

  /** Where activations are rounded; weights of four bits themselves cost 0.1 nats. */
  private static final double ROUNDED_BOUND_NATS = 1e-2;

  /** Of the largest logit of its row. */
  private static final double LOGIT_BOUND = 1e-3;

  private static final int TOKENS = 384;

  @ParameterizedTest
  @EnumSource(QuantFormat.class)
  void isThatOfFloat64(QuantFormat format) throws Exception {
    Path shared = Path.of(System.getProperty("weft.shared.data", ""));
    Path file = shared.resolve("models/llama2xs/llama2xs-f32.gguf");
    Path text = shared.resolve("text/wiki.test.raw");
    try (Arena arena = Arena.ofShared()) {
      if (!format.encodes()) {
        var random = new Random(format.ordinal());
        TransformerSpec spec = RandomTensors.spec(2, 256, 4, 2, 64, 512, 300);
        ModelWeights weights = new RandomTensors(random, arena).model(spec, format);
        shrink(weights, format);
        compare(format, spec, weights, random.ints(TOKENS, 0, 300).toArray());
        return;
      }
      assumeTrue(
          Files.exists(file) && Files.exists(text),
          "no trained model or no text in the folder of system property weft.shared.data");
      try (Model model = Model.open(file)) {
        int[] tokens = model.tokenizer().encode(Files.readString(text).substring(0, 4 * TOKENS));
        ModelWeights weights = encoded(model.weights(), format, arena);
        compare(format, model.spec(), weights, Arrays.copyOf(tokens, TOKENS));
      }
    }
  }

  /** Random blocks have values up to 100; a model's are below 1. */
  private static void shrink(ModelWeights weights, QuantFormat format) {
    int[] scales =
        switch (format) {
          case Q2_K -> new int[] {80, 82};
          case Q3_K -> new int[] {108};
          case Q6_K -> new int[] {208};
          default -> new int[] {0, 2};
        };
    List<Tensor> all = new ArrayList<>(List.of(weights.tokenEmbedding()));
    for (LayerWeights l : weights.layers()) {
      all.addAll(List.of(l.query(), l.key(), l.value(), l.attentionOutput()));
      all.addAll(List.of(l.gate(), l.up(), l.down()));
    }
    for (Tensor tensor : all) {
      for (long block = 0; block < tensor.data().byteSize(); block += format.blockBytes()) {
        for (int scale : scales) {
          tensor
              .data()
              .set(ValueLayout.JAVA_SHORT_UNALIGNED, block + scale, Float.floatToFloat16(2e-4f));
        }
      }
    }
  }

  private static void compare(
      QuantFormat format, TransformerSpec spec, ModelWeights weights, int[] tokens) {
    int window = Math.min(spec.contextLength(), tokens.length / 2);
    double exact = 0;
    double vector = 0;
    int counted = 0;
    boolean rounds;
    double[] apart = new double[tokens.length];
    var reference = new ReferenceForward(spec, weights);
    var alike = new ReferenceForward(spec, weights);
    int[] pages = IntStream.range(0, window / KvConfig.PAGE_TOKENS + 1).toArray();
    try (Backend backend = Backends.find("vector").open(new BackendConfig(2));
        Transformer transformer =
            Transformer.open(spec, weights, backend, new KvConfig(pages.length))) {
      rounds = transformer.roundsActivations();
      if (rounds) {
        alike.roundActivations();
      }
      for (int from = 0; from + window <= tokens.length; from += window) {
        var batch = new StepBatch();
        batch.beginSequence(pages);
        for (int i = 0; i < window; i++) {
          batch.addToken(tokens[from + i], i, true);
        }
        float[] logits = new float[window * spec.vocabSize()];
        transformer.forward(batch, logits);
        double[] expected = reference.logits(new int[] {tokens[from]});
        double[] same = rounds ? alike.logits(new int[] {tokens[from]}) : expected;
        for (int i = 0; i + 1 < window; i++) {
          int next = tokens[from + i + 1];
          double[] row = new double[spec.vocabSize()];
          for (int t = 0; t < row.length; t++) {
            row[t] = logits[i * row.length + t];
          }
          exact += surprise(expected, next);
          vector += surprise(row, next);
          apart[counted++] = distance(row, same);
          reference.next(next);
          expected = reference.lastLogits();
          if (rounds) {
            alike.next(next);
          }
          same = rounds ? alike.lastLogits() : expected;
        }
      }
    }
    Arrays.sort(apart, 0, counted);
    System.out.printf(
        "PerplexityTest %s: %.4f, float64 %.4f, %.1e nats apart over %d tokens, logits %.1e, at most %.1e%n",
        format,
        Math.exp(vector / counted),
        Math.exp(exact / counted),
        Math.abs(vector - exact) / counted,
        counted,
        apart[counted / 2],
        apart[counted - 1]);
    assertThat(Math.abs(vector - exact) / counted)
        .isLessThan(rounds ? ROUNDED_BOUND_NATS : BOUND_NATS);
    assertThat(apart[rounds ? counted / 2 : counted - 1]).isLessThan(LOGIT_BOUND);
  }

  /** Largest difference, as a share of the largest logit. */
  private static double distance(double[] logits, double[] expected) {
    double difference = 0;
    double largest = 0;
    for (int t = 0; t < logits.length; t++) {
      difference = Math.max(difference, Math.abs(logits[t] - expected[t]));
      largest = Math.max(largest, Math.abs(expected[t]));
    }
    return difference / largest;
  }

  /** {@code -ln p(token)}. */
  private static double surprise(double[] logits, int token) {
    double max = Arrays.stream(logits).max().orElseThrow();
    return max + Math.log(Arrays.stream(logits).map(l -> Math.exp(l - max)).sum()) - logits[token];
  }

  private static ModelWeights encoded(ModelWeights weights, QuantFormat format, Arena arena) {
    List<LayerWeights> layers = new ArrayList<>();
    for (LayerWeights layer : weights.layers()) {
      layers.add(
          new LayerWeights(
              layer.attentionNorm(),
              encoded(layer.query(), format, arena),
              encoded(layer.key(), format, arena),
              encoded(layer.value(), format, arena),
              encoded(layer.attentionOutput(), format, arena),
              layer.feedForwardNorm(),
              encoded(layer.gate(), format, arena),
              encoded(layer.up(), format, arena),
              encoded(layer.down(), format, arena)));
    }
    return new ModelWeights(
        encoded(weights.tokenEmbedding(), format, arena),
        layers,
        weights.outputNorm(),
        encoded(weights.output(), format, arena));
  }

  private static Tensor encoded(Tensor tensor, QuantFormat format, Arena arena) {
    int columns = tensor.columns();
    MemorySegment data = arena.allocate(format.bytes((long) tensor.rows() * columns), 64);
    float[] row = new float[columns];
    for (int r = 0; r < tensor.rows(); r++) {
      tensor.decodeRow(r, row);
      format.encode(row, 0, data, r * format.bytes(columns), columns);
    }
    return new Tensor(tensor.name(), format, tensor.rows(), columns, data);
  }
}
