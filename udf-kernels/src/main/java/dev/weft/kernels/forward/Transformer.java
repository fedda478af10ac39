package dev.weft.kernels.forward;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.KernelHealth;
import dev.weft.kernels.backend.RopeTable;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.sampling.LogitRows;
import dev.weft.kernels.sampling.SamplingParams;
import dev.weft.kernels.sampling.TopTokens;
import java.util.Arrays;
import java.util.List;

/**
 * The one forward pass of decoder-only transformers: what an architecture is, its {@link
 * TransformerSpec} says; where it is computed, its {@link Backend}. Holds the prepared weights and
 * the KV cache. The logits of a token depend on the tokens of its sequence only, bit by bit, not on
 * what else a step holds or how a prompt is cut into chunks. Not thread-safe.
 */
public final class Transformer implements AutoCloseable {
  private static final long STEP_WARM_UP_NANOS = 300_000_000L;
  private static final int WARM_UP_ROWS = 4;

  private final TransformerSpec spec;
  private final Backend backend;
  private final Tensor embedding;
  private final Layer[] layers;
  private final float[] outputNorm;
  private final Weights output;
  private final AttentionShape[] shapes;
  private final ExpertRouting routing;
  private final RopeTable rope;
  private final KvCache kv;
  private final double loadSeconds;
  private final List<Tensor> samples;
  private Buffers buffers;

  private Transformer(
      TransformerSpec spec, ModelWeights weights, Backend backend, KvConfig kvConfig) {
    long start = System.nanoTime();
    this.backend = backend;
    this.spec = spec;
    embedding = weights.tokenEmbedding();
    rope = new RopeTable(spec.rope());
    layers = new Layer[spec.layers()];
    try {
      for (int i = 0; i < layers.length; i++) {
        layers[i] = Layer.prepare(weights.layers().get(i), backend);
      }
      output = backend.prepare(List.of(weights.output()));
      kv = backend.openKv(kvLayout(spec, kvConfig.format()), kvConfig);
    } catch (RuntimeException e) {
      closeLayers();
      throw e;
    }
    LayerWeights first = weights.layers().getFirst();
    samples = List.of(first.query(), first.value(), first.gate(), first.down(), weights.output());
    outputNorm = Layer.vector(weights.outputNorm());
    Weights qkv = layers[0].qkv();
    var shape =
        new AttentionShape(
            spec.heads(),
            spec.kvHeads(),
            spec.headDim(),
            qkv.firstColumn(0),
            qkv.firstColumn(1),
            qkv.firstColumn(2),
            (float) (1 / Math.sqrt(spec.headDim())));
    shapes = new AttentionShape[layers.length];
    Arrays.setAll(shapes, i -> shape.withWindow(spec.blocks().window(i)));
    routing = new ExpertRouting(spec.blocks().experts(), spec.blocks().expertsUsed());
    buffers = new Buffers(16, 16);
    loadSeconds = (System.nanoTime() - start) / 1e9;
  }

  /**
   * Prepares the weights of a model, which must stay open, for a backend, which stays the caller's.
   *
   * @throws dev.weft.kernels.memory.MemoryBudgetException if weights or KV cache do not fit
   */
  public static Transformer open(Model model, Backend backend, KvConfig kv) {
    return open(model.spec(), model.weights(), backend, kv);
  }

  /** The same for weights that come from elsewhere. */
  public static Transformer open(
      TransformerSpec spec, ModelWeights weights, Backend backend, KvConfig kv) {
    return new Transformer(spec, weights, backend, kv);
  }

  public TransformerSpec spec() {
    return spec;
  }

  public Backend backend() {
    return backend;
  }

  public int kvPages() {
    return kv.pages();
  }

  /** Bytes of keys and values of one page in all layers. */
  public long kvBytesPerPage() {
    return kv.layout().bytesPerPage();
  }

  /** The same for a model that is not prepared yet, to size its cache. */
  public static long kvBytesPerPage(TransformerSpec spec, KvFormat format) {
    return kvLayout(spec, format).bytesPerPage();
  }

  /** Bytes of one stored element of keys and values on average. */
  public static double kvBytesPerElement(TransformerSpec spec, KvFormat format) {
    return kvLayout(spec, format).bytesPerElement();
  }

  /** Memory of the prepared weights beyond the model file. */
  public long weightBytes() {
    long bytes = output.bytes();
    for (Layer layer : layers) {
      bytes += layer.bytes();
    }
    return bytes;
  }

  /** {@link Weights#roundsActivations} of any of the model's. */
  public boolean roundsActivations() {
    return output.roundsActivations() || Arrays.stream(layers).anyMatch(Layer::roundsActivations);
  }

  /** {@link Weights#roundsToHalf} of any of the model's. */
  public boolean roundsToHalf() {
    return output.roundsToHalf() || Arrays.stream(layers).anyMatch(Layer::roundsToHalf);
  }

  /** Seconds that preparing the weights and the cache took. */
  public double loadSeconds() {
    return loadSeconds;
  }

  /**
   * Has the kernels that this model needs compiled, unless that was done in this process, and
   * measures whether they are as fast as they should be. Overwrites page 0: for the time before the
   * first step.
   */
  public KernelHealth warmUp() {
    KernelHealth health = KernelHealth.warmUp(backend, samples);
    if (health.measuredNow()) {
      runSteps();
    }
    return health;
  }

  /**
   * Runs some steps of one token and of a page, with logits of one token and of several. Overwrites
   * page 0, as {@link #warmUp}.
   */
  public void runSteps() {
    var batch = new StepBatch();
    var logits = new LogitRows(spec.vocabSize());
    int[] pages = {0};
    long end = System.nanoTime() + STEP_WARM_UP_NANOS;
    for (int round = 0; round < 3 || System.nanoTime() < end && round < 1000; round++) {
      batch.clear();
      batch.beginSequence(pages);
      int tokens = round % 2 == 0 ? 1 : KvConfig.PAGE_TOKENS;
      for (int t = 0; t < tokens; t++) {
        batch.addToken(0, t, tokens - t <= WARM_UP_ROWS ? 1 : 0);
      }
      forward(batch, logits);
    }
  }

  /**
   * Runs a step of every kind, the largest first: a backend that compiles at first use has compiled
   * all kernels after it, and has made room for the largest step, which else would come with new
   * compiling in the middle of a run. Overwrites page 0.
   *
   * @param budgetTokens most tokens of a step
   * @param sequences most sequences of a step
   * @param contextTokens longest sequence
   */
  public void runLargestSteps(int budgetTokens, int sequences, int contextTokens) {
    int rows = Math.min(sequences, budgetTokens);
    // As deep as the pages allow when all sequences generate.
    long depth = (long) kv.pages() * KvConfig.PAGE_TOKENS / rows;
    int deepest = Math.clamp(depth - 1, 0, contextTokens - 1);
    var batch = new StepBatch();
    var logits = new LogitRows(spec.vocabSize());
    int most = Math.min(TopTokens.MOST, spec.vocabSize());
    int left = budgetTokens;
    for (int others = rows - 1; others >= 0; others--) {
      int tokens = Math.min(contextTokens, left - others);
      addSequence(batch, tokens == 1 ? deepest : 0, tokens, most);
      left -= tokens;
    }
    forward(batch, logits);
    for (int needed : new int[] {1, SamplingParams.ALL_TOKENS}) {
      batch.clear();
      addSequence(batch, contextTokens - 1, 1, needed);
      forward(batch, logits);
    }
  }

  /**
   * A sequence all of whose pages are page 0.
   *
   * @param needed of the last token, as {@link StepBatch#addToken(int, int, int)}
   */
  private void addSequence(StepBatch batch, int position, int tokens, int needed) {
    int end = position + tokens;
    batch.beginSequence(new int[(end + KvConfig.PAGE_TOKENS - 1) / KvConfig.PAGE_TOKENS]);
    for (int p = position; p < end; p++) {
      // Tokens of all kinds, which a router sends to many experts.
      batch.addToken(p % spec.vocabSize(), p, p == end - 1 ? needed : 0);
    }
  }

  private static KvLayout kvLayout(TransformerSpec spec, KvFormat format) {
    return new KvLayout(spec.layers(), spec.kvHeads(), spec.headDim(), format);
  }

  /**
   * Computes one step: stores keys and values of its tokens in their pages and gives the logits
   * that are wanted. Rows of which few tokens are wanted stay where they were computed.
   *
   * @param logits takes the rows in the order of adding, in place of what it had
   * @throws IllegalArgumentException if a token id or page does not exist
   */
  public void forward(StepBatch batch, LogitRows logits) {
    check(batch);
    logits.clear();
    for (int row = 0; row < batch.logitsRows(); row++) {
      logits.add(batch.tokensNeeded(row), batch.span(row));
    }
    compute(batch);
    if (logits.top().asked() > 0) {
      backend.findTop(buffers.logits, spec.vocabSize(), logits.top());
      logits.widen();
    }
    for (int row = 0; row < logits.rows(); row++) {
      if (logits.isWhole(row)) {
        buffers.logits.read(row, logits.whole(), logits.begin(row), spec.vocabSize());
      }
    }
    backend.finish();
  }

  /**
   * The same with all logits of every token of which some are wanted.
   *
   * @param logits shape {@code [>= batch.logitsRows()][vocabSize]}, rows in the order of adding
   * @throws IllegalArgumentException if a token id or page does not exist, or {@code logits} is too
   *     short
   */
  public void forward(StepBatch batch, float[] logits) {
    check(batch);
    check(batch, logits);
    compute(batch);
    for (int row = 0; row < batch.logitsRows(); row++) {
      buffers.logits.read(row, logits, row * spec.vocabSize(), spec.vocabSize());
    }
    backend.finish();
  }

  /** Leaves the logits in the buffers. */
  private void compute(StepBatch batch) {
    int tokens = batch.tokens();
    int rows = batch.logitsRows();
    if (tokens == 0) {
      return;
    }
    if (tokens > buffers.tokens || rows > buffers.rows) {
      buffers = new Buffers(grown(tokens, buffers.tokens), grown(rows, buffers.rows));
    }
    rope.cover(batch.ragged().maxPosition());
    Buffers b = buffers;
    backend.embed(embedding, batch.tokenIds(), tokens, b.x);
    for (int i = 0; i < layers.length; i++) {
      Layer layer = layers[i];
      attention(layer, i, batch, tokens);
      backend.rmsNorm(b.x, tokens, layer.feedForwardNorm(), spec.rmsNormEpsilon(), b.normed);
      if (layer.router() == null) {
        feedForward(layer.experts().getFirst(), b.normed, tokens);
        backend.add(b.x, tokens, b.delta);
      } else {
        experts(layer, tokens);
      }
    }
    if (rows > 0) {
      backend.gather(b.x, batch.logitsTokens(), rows, b.last);
      backend.rmsNorm(b.last, rows, outputNorm, spec.rmsNormEpsilon(), b.lastNormed);
      backend.matmul(output, b.lastNormed, rows, b.logits);
    }
  }

  private void attention(Layer layer, int index, StepBatch batch, int tokens) {
    Buffers b = buffers;
    backend.rmsNorm(b.x, tokens, layer.attentionNorm(), spec.rmsNormEpsilon(), b.normed);
    backend.matmul(layer.qkv(), b.normed, tokens, b.qkv);
    AttentionShape shape = shapes[index];
    if (layer.qkvBias() != null) {
      backend.addBias(b.qkv, tokens, layer.qkvBias());
    }
    if (layer.queryNorm() != null) {
      normHeads(b.qkv, tokens, shape.queryColumn(), shape.heads(), layer.queryNorm());
      normHeads(b.qkv, tokens, shape.keyColumn(), shape.kvHeads(), layer.keyNorm());
    }
    backend.ropeAndStore(b.qkv, shape, rope, batch.ragged(), kv, index);
    backend.attention(b.qkv, shape, batch.ragged(), kv, index, b.attended);
    backend.matmul(layer.attentionOutput(), b.attended, tokens, b.delta);
    backend.add(b.x, tokens, b.delta);
  }

  private void normHeads(Activations qkv, int tokens, int column, int heads, float[] weight) {
    backend.normHeads(qkv, tokens, column, heads, spec.headDim(), weight, spec.rmsNormEpsilon());
  }

  /** {@code delta = down(silu(gate in) * up in)}. */
  private void feedForward(Layer.Expert expert, Activations in, int tokens) {
    Buffers b = buffers;
    backend.matmul(expert.gateUp(), in, tokens, b.gateUp);
    backend.swiGlu(
        b.gateUp, tokens, expert.gateUp().firstColumn(1), spec.feedForwardLength(), b.hidden);
    backend.matmul(expert.down(), b.hidden, tokens, b.delta);
  }

  /** Each token through its experts, which add their part in the order of their numbers. */
  private void experts(Layer layer, int tokens) {
    Buffers b = buffers;
    backend.matmul(layer.router(), b.normed, tokens, b.router);
    routing.choose(b.router, tokens);
    for (int e = 0; e < layer.experts().size(); e++) {
      int count = routing.count(e);
      if (count > 0) {
        backend.gather(b.normed, routing.tokens(e), count, b.routed);
        feedForward(layer.experts().get(e), b.routed, count);
        backend.addScaled(b.x, routing.tokens(e), count, b.delta, routing.weights(e));
      }
    }
  }

  private void check(StepBatch batch, float[] logits) {
    if ((long) batch.logitsRows() * spec.vocabSize() > logits.length) {
      throw new IllegalArgumentException(
          batch.logitsRows()
              + " rows of "
              + spec.vocabSize()
              + " logits do not fit "
              + logits.length
              + " elements");
    }
  }

  private void check(StepBatch batch) {
    int[] ids = batch.tokenIds();
    for (int t = 0; t < batch.tokens(); t++) {
      if (ids[t] < 0 || ids[t] >= spec.vocabSize()) {
        throw new IllegalArgumentException(
            "token id " + ids[t] + " of token " + t + " is not below " + spec.vocabSize());
      }
    }
    batch.ragged().checkPages(kv.pages());
  }

  private static int grown(int wanted, int have) {
    return wanted <= have ? have : Math.max(wanted, have * 2);
  }

  private void closeLayers() {
    for (Layer layer : layers) {
      if (layer != null) {
        layer.close();
      }
    }
  }

  /** Frees weights and KV cache; the backend stays open. */
  @Override
  public void close() {
    kv.close();
    output.close();
    closeLayers();
  }

  /** Activations of a step of at most {@code tokens} tokens and {@code rows} rows of logits. */
  private final class Buffers {
    final int tokens;
    final int rows;
    final Activations x;
    final Activations normed;
    final Activations qkv;
    final Activations attended;
    final Activations delta;
    final Activations gateUp;
    final Activations hidden;

    /** Logits of the router and input of one expert; null where there is one expert. */
    final Activations router;

    final Activations routed;
    final Activations last;
    final Activations lastNormed;
    final Activations logits;

    Buffers(int tokens, int rows) {
      this.tokens = tokens;
      this.rows = rows;
      int width = spec.embeddingLength();
      x = backend.allocate(tokens, width);
      normed = backend.allocate(tokens, width);
      qkv = backend.allocate(tokens, layers[0].qkv().outputs());
      attended = backend.allocate(tokens, spec.attentionWidth());
      delta = backend.allocate(tokens, width);
      gateUp = backend.allocate(tokens, layers[0].experts().getFirst().gateUp().outputs());
      hidden = backend.allocate(tokens, spec.feedForwardLength());
      boolean routes = layers[0].router() != null;
      router = routes ? backend.allocate(tokens, layers[0].router().outputs()) : null;
      routed = routes ? backend.allocate(tokens, width) : null;
      last = backend.allocate(rows, width);
      lastNormed = backend.allocate(rows, width);
      logits = backend.allocate(rows, output.outputs());
    }
  }
}
