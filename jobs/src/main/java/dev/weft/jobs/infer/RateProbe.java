package dev.weft.jobs.infer;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.jobs.prepare.PreparedSchema;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.Calibration;
import dev.weft.kernels.engine.EngineBatch;
import dev.weft.kernels.engine.ResultStream;
import dev.weft.kernels.engine.StepSchema;
import dev.weft.kernels.model.Model;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * Measures the rates of the device with the engine that will run: prompts alone give the rate of
 * compute, one sequence that generates gives the rate of memory. Prompts are random, so that
 * nothing is shared. How far the two overlap is too small an effect to be seen in whole steps; the
 * kernels' own calibration tells it from interleaved rounds.
 */
final class RateProbe {
  private static final double WARM_SECONDS = 2;
  private static final int MOST_PROMPT_TOKENS = 256;
  private static final int PROMPTS = 6;
  private static final int DECODE_TOKENS = 48;
  private static final int VOCABULARY_START = 3;

  /** As Spark's rows hold arrays. */
  private static final scala.collection.Seq<String> NO_STOPS =
      scala.jdk.javaapi.CollectionConverters.asScala(List.<String>of()).toSeq();

  private final EnginePool.Lease lease;
  private final ModelShape shape;
  private final BufferAllocator allocator;
  private final SplittableRandom random = new SplittableRandom(20260101);
  private final int promptTokens;
  private long nextRow;

  private record StepTime(int prefillTokens, int decodeTokens, double seconds) {}

  private RateProbe(EnginePool.Lease lease, ModelShape shape, BufferAllocator allocator) {
    this.lease = lease;
    this.shape = shape;
    this.allocator = allocator;
    int context = lease.engine().info().contextTokens();
    this.promptTokens = Math.max(1, Math.min(MOST_PROMPT_TOKENS, context / 2));
  }

  /**
   * Opens, or shares, an engine in this process and measures; then the overlap, with the kernels
   * alone.
   */
  static DeviceProfile measure(EngineSpec spec, ModelShape shape, Configuration hadoop)
      throws InterruptedException, IOException {
    DeviceProfile rates;
    String backend;
    int threads;
    try (EnginePool.Lease lease = EnginePool.acquire(spec, hadoop);
        BufferAllocator allocator = new RootAllocator()) {
      rates = new RateProbe(lease, shape, allocator).measure();
      backend = lease.engine().info().backend();
      threads = lease.engine().info().threads();
    }
    try (Model model = Model.open(spec.model().local(hadoop));
        Backend kernels = Backends.find(backend).open(new BackendConfig(threads))) {
      return rates.withOverlap(
          Calibration.measure(kernels, model.spec(), model.weights().layers().getFirst().gate())
              .overlap());
    }
  }

  private DeviceProfile measure() throws InterruptedException {
    long began = System.nanoTime();
    do {
      run(List.of(prompt(promptTokens, 4), prompt(8, 8)));
    } while ((System.nanoTime() - began) / 1e9 < WARM_SECONDS);

    List<Row> prompts = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      prompts.add(prompt(promptTokens, 1));
    }
    double prefillSeconds = run(prompts).stream().mapToDouble(StepTime::seconds).sum();
    CostModel unit = new CostModel(shape, new DeviceProfile("unit", 1, 1, 0, "unit"));
    long pairs = (long) PROMPTS * promptTokens * (promptTokens + 1) / 2;
    double flops =
        unit.stepComputeSeconds((long) PROMPTS * promptTokens, PROMPTS, pairs) / prefillSeconds;

    int decode = Math.min(DECODE_TOKENS, lease.engine().info().contextTokens() - 8);
    double decodeSeconds =
        median(
            run(List.of(prompt(4, decode))).stream()
                .filter(s -> s.prefillTokens == 0)
                .mapToDouble(StepTime::seconds)
                .toArray());
    double bytes = unit.stepMemorySeconds(4 + decode / 2) / decodeSeconds;
    return new DeviceProfile(Machine.cpu(), flops, bytes, 0, "calibration");
  }

  /** Runs requests and returns the times of the steps. */
  private List<StepTime> run(List<Row> rows) throws InterruptedException {
    List<StepTime> steps = new ArrayList<>();
    try (RequestBatches requests = new RequestBatches(rows.iterator(), allocator, () -> {});
        ResultStream stream = lease.engine().submit(requests, allocator)) {
      for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
        try (EngineBatch open = batch) {
          if (open instanceof EngineBatch.Steps) {
            read(open.root(), steps);
          }
        }
      }
    }
    return steps;
  }

  private static void read(VectorSchemaRoot root, List<StepTime> steps) {
    IntVector prefill = (IntVector) root.getVector(StepSchema.PREFILL_TOKENS);
    IntVector decode = (IntVector) root.getVector(StepSchema.DECODE_TOKENS);
    Float8Vector seconds = (Float8Vector) root.getVector(StepSchema.SECONDS);
    for (int i = 0; i < root.getRowCount(); i++) {
      steps.add(new StepTime(prefill.get(i), decode.get(i), seconds.get(i)));
    }
  }

  /** A request of random tokens, in the columns of {@link PlannedRows}. */
  private Row prompt(int tokens, int outputTokens) {
    int vocabulary = lease.engine().info().vocabularySize();
    int[] ids = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      ids[i] = random.nextInt(Math.min(VOCABULARY_START, vocabulary - 1), vocabulary);
    }
    Row params =
        RowFactory.create(outputTokens, 0.0, 1.0, 0, 0.0, 1.0, 0.0, 0.0, NO_STOPS, null, 1, null);
    return RowFactory.create(
        nextRow,
        "calibration-" + nextRow++,
        PreparedSchema.encodeTokens(ids),
        params,
        0,
        outputTokens);
  }

  private static double median(double[] values) {
    if (values.length == 0) {
      throw new IllegalStateException("the engine told of no step that only generates");
    }
    Arrays.sort(values);
    return values[values.length / 2];
  }
}
