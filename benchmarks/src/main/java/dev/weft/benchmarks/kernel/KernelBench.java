package dev.weft.benchmarks.kernel;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.backend.WorkerPool;
import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

/**
 * The vector backend against the scalar backend and against the limits of the machine, on a llama
 * shape of 135M parameters with random Q8_0 weights. Medians of interleaved repetitions; both
 * backends have the same number of threads.
 *
 * <pre>KernelBench [--out FILE] [--quick] [--threads N]</pre>
 */
public final class KernelBench {
  private static final List<QuantFormat> FORMATS =
      List.of(
          QuantFormat.F32, QuantFormat.F16, QuantFormat.BF16, QuantFormat.Q8_0, QuantFormat.Q4_0);
  private static final long SEED = 2026;
  private static final int CONTEXT = 128;
  private static final long READ_BYTES = 128L << 20;

  private final Results results;
  private final int threads;
  private final int repetitions;
  private final boolean quick;

  private KernelBench(Results results, int threads, boolean quick) {
    this.results = results;
    this.threads = threads;
    this.quick = quick;
    repetitions = quick ? 5 : 15;
  }

  public static void main(String[] args) throws IOException {
    Path out = null;
    boolean quick = false;
    int threads = Runtime.getRuntime().availableProcessors();
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--out" -> out = Path.of(value(args, ++i));
        case "--threads" -> threads = Integer.parseInt(value(args, ++i));
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    var bench = new KernelBench(new Results(device(threads), SEED), threads, quick);
    bench.run();
    if (out != null) {
      bench.results.write(out);
    }
  }

  private static String value(String[] args, int index) {
    if (index == args.length) {
      throw new IllegalArgumentException("option " + args[index - 1] + " needs a value");
    }
    return args[index];
  }

  private static String device(int threads) throws IOException {
    String cpu = System.getProperty("os.arch");
    Path info = Path.of("/proc/cpuinfo");
    if (Files.isReadable(info)) {
      for (String line : Files.readAllLines(info)) {
        if (line.startsWith("model name")) {
          cpu = line.substring(line.indexOf(':') + 1).strip();
          break;
        }
      }
    }
    return String.format(
        Locale.ROOT,
        "%s, %d threads, %d-bit vectors, Java %s",
        cpu.replace("\"", ""),
        threads,
        MachineLimits.vectorBits(),
        Runtime.version());
  }

  private void run() {
    TransformerSpec spec = SyntheticModel.shape135m();
    try (Arena arena = Arena.ofShared();
        Backend vector = Backends.find("vector").open(new BackendConfig(threads));
        Backend scalar = Backends.find("scalar").open(new BackendConfig(threads));
        var pool = new WorkerPool("limits", threads)) {
      MemorySegment memory = arena.allocate(READ_BYTES, 64);
      products(arena, vector, scalar, pool, memory);
      var model = SyntheticModel.of(spec, QuantFormat.Q8_0, SEED, arena);
      try (Transformer fast =
              Transformer.open(spec, model.weights(), vector, new KvConfig(32 * 16));
          Transformer plain =
              Transformer.open(spec, model.weights(), scalar, new KvConfig(32 * 16))) {
        results.add(
            "load.135m.q8_0",
            new double[] {fast.loadSeconds()},
            "seconds",
            "",
            new double[0],
            "repacking 135M weights and allocating the KV cache");
        fast.warmUp().warnings().forEach(line -> System.err.println("WARNING: " + line));
        step(fast, plain, "prefill.135m.q8_0", 1, quick ? 128 : 512, 0, quick ? 16 : 64);
        for (int sequences : new int[] {1, 8, 32}) {
          step(fast, plain, "decode.b" + sequences + ".135m.q8_0", sequences, 1, CONTEXT, 1);
        }
      }
    }
  }

  /** One matrix of every format and batch size: vector, scalar, and the machine's limit. */
  private void products(
      Arena arena, Backend vector, Backend scalar, WorkerPool pool, MemorySegment memory) {
    TransformerSpec one = SyntheticModel.shape(1, 576, 9, 3, 1536, 49152);
    for (QuantFormat format : FORMATS) {
      var matrix = SyntheticModel.of(one, format, SEED, arena).weights().output();
      try (Weights packed = vector.prepare(List.of(matrix));
          Weights plain = scalar.prepare(List.of(matrix))) {
        for (int rows : new int[] {1, 4, 32, 128}) {
          Activations x = vector.allocate(rows, matrix.columns());
          float[] values = new float[matrix.columns()];
          for (int r = 0; r < rows; r++) {
            java.util.Arrays.fill(values, 0.01f * (r + 1));
            x.write(r, values, 0, values.length);
          }
          Activations out = vector.allocate(rows, packed.outputs());
          double work = 2.0 * rows * matrix.rows() * matrix.columns();
          double[][] rates =
              interleaved(
                  () -> work / seconds(() -> vector.matmul(packed, x, rows, out)),
                  () -> limit(pool, memory, rows, work, packed.bytes()),
                  rows > 4
                      ? () -> Double.NaN
                      : () -> work / seconds(() -> scalar.matmul(plain, x, rows, out)));
          String name =
              String.format("matmul.b%d.%s", rows, format.name().toLowerCase(Locale.ROOT));
          String load = matrix.rows() + " x " + matrix.columns() + " with " + rows + " tokens";
          String unit = "flops per second";
          results.add(
              name + ".of_limit",
              rates[0],
              unit,
              rows == 1 ? "time to read the packed weights" : "multiply-add rate of the cores",
              rates[1],
              load);
          if (!Double.isNaN(rates[2][0])) {
            results.add(
                name + ".over_scalar",
                rates[0],
                unit,
                "scalar backend, same threads",
                rates[2],
                load);
          }
        }
      }
    }
  }

  /** The rate of a product if only memory (one token) or only multiply-adds counted. */
  private double limit(WorkerPool pool, MemorySegment memory, int rows, double work, long bytes) {
    int parts = threads * 4;
    if (rows > 1) {
      double seconds =
          seconds(() -> pool.forEach(parts, (chunk, worker) -> sink += MachineLimits.fma(chunk)));
      return 2 * MachineLimits.fmaCount() * parts / seconds;
    }
    long part = READ_BYTES / parts;
    double seconds =
        seconds(
            () ->
                pool.forEach(
                    parts,
                    (chunk, worker) ->
                        sink += MachineLimits.read(memory, chunk * part, (chunk + 1) * part)));
    return work / (bytes / (READ_BYTES / seconds));
  }

  /** Keeps results of limits alive. */
  private volatile double sink;

  /** Whole steps of the model, in tokens per second. */
  private void step(
      Transformer fast,
      Transformer plain,
      String name,
      int sequences,
      int tokens,
      int from,
      int plainTokens) {
    float[] logits = new float[sequences * fast.spec().vocabSize()];
    double[][] rates =
        interleaved(
            () -> sequences * tokens / step(fast, logits, sequences, tokens, from),
            () -> sequences * plainTokens / step(plain, logits, sequences, plainTokens, from));
    String load =
        tokens == 1
            ? sequences + " sequences at position " + from
            : "prompt of " + tokens + " tokens; scalar: of " + plainTokens;
    results.add(
        name, rates[0], "tokens per second", "scalar backend, same threads", rates[1], load);
  }

  private static double step(
      Transformer transformer, float[] logits, int sequences, int tokens, int from) {
    var batch = new StepBatch();
    int pages = (from + tokens + 15) / 16;
    for (int s = 0; s < sequences; s++) {
      int first = sequences == 1 ? 0 : s * 16;
      batch.beginSequence(IntStream.range(first, first + pages).toArray());
      for (int t = 0; t < tokens; t++) {
        int token = (s * 7919 + t * 31) % transformer.spec().vocabSize();
        batch.addToken(token, from + t, t == tokens - 1);
      }
    }
    return seconds(() -> transformer.forward(batch, logits));
  }

  /** Values of all measures, taken in turns; the first two turns are warm-up. */
  private double[][] interleaved(DoubleSupplier... measures) {
    double[][] values = new double[measures.length][repetitions];
    for (int round = -2; round < repetitions; round++) {
      for (int m = 0; m < measures.length; m++) {
        double value = measures[m].getAsDouble();
        if (round >= 0) {
          values[m][round] = value;
        }
      }
    }
    return values;
  }

  private static double seconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return Math.max(1, System.nanoTime() - start) / 1e9;
  }
}
