package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.kernel.SyntheticFile;
import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Series;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * GPULlama3.java on a synthetic F16 model of the same shape, by its own benchmarks in processes of
 * their own: {@code bench.LlamaBench}, which computes one sequence, and {@code
 * bench.BatchedDecodeEngine} where its version has it. Every way to decode is a line; the fastest
 * is the one that Weft is compared with.
 */
final class GpuLlama3Peer {
  static final String NAME = "peer.gpullama3";

  private static final String UNIT = "tokens per second";
  private static final String MAIN = " org.beehive.gpullama3.";
  private static final String BENCH = "org.beehive.gpullama3.bench.LlamaBench";
  private static final String BATCHED = "org.beehive.gpullama3.bench.BatchedDecodeEngine";
  private static final int REPETITIONS = 3;
  private static final int LIMIT_MINUTES = 15;

  /** Tokens of its chat template around a prompt, whose letters are a token each. */
  private static final int TEMPLATE_TOKENS = 24;

  /** An argument in double quotes, or one without spaces. */
  private static final Pattern ARGUMENT = Pattern.compile("\"([^\"]*)\"|(\\S+)");

  private final Results results;
  private final GpuSetting setting;
  private final PeerRates rates;
  private final Path folder;
  private final GpuShape shape;
  private final int steps;

  private GpuLlama3Peer(Results results, GpuSetting setting, PeerRates rates, Path folder) {
    this.results = results;
    this.setting = setting;
    this.rates = rates;
    this.folder = folder.toAbsolutePath();
    shape = setting.shapes().getFirst();
    steps = setting.gpu() ? 32 : 4;
  }

  /**
   * @param folder of GPULlama3.java, built: {@code llama-tornado} and {@code
   *     target/gpu-llama3-*.jar}; null for none
   */
  static void run(Results results, GpuSetting setting, Path folder, PeerRates rates)
      throws IOException, InterruptedException {
    if (folder == null) {
      results.add(Line.skipped(NAME, "", "not measured: no --gpullama3 DIR was given"));
      return;
    }
    try {
      new GpuLlama3Peer(results, setting, rates, folder).run();
    } catch (PeerException e) {
      results.add(Line.skipped(NAME, "", "not measured: " + e.getMessage()));
    }
  }

  /** A measure that fails gives a line with the reason, and leaves the others. */
  private interface Measure {
    Line of(String name) throws PeerException, IOException, InterruptedException;
  }

  private void measure(String what, Measure measure) throws IOException, InterruptedException {
    String name = NAME + "." + what + "." + shape.label() + ".f16";
    try {
      Line line = measure.of(name);
      rates.put(name, line.value());
      results.add(line);
    } catch (PeerException e) {
      results.add(Line.skipped(name, "", "not measured: " + e.getMessage()));
    }
  }

  private void run() throws PeerException, IOException, InterruptedException {
    Path jar = jar();
    Path work = Files.createTempDirectory("weft-gpullama3");
    Path model = work.resolve("synthetic.gguf");
    try {
      // Its tokenizer needs the vocabulary of Llama 3, also where the shape has a smaller one.
      var s = shape.spec();
      var spec =
          SyntheticModel.shape(
              s.layers(),
              s.embeddingLength(),
              s.heads(),
              s.kvHeads(),
              s.feedForwardLength(),
              128_256);
      SyntheticFile.writeLlama3(model, spec, 8192, setting.seed());
      List<String> java = javaCommand(model);
      int prompt = setting.promptTokens();
      int context = setting.contextTokens();
      measure(
          "prefill",
          name ->
              bench(
                  name,
                  java,
                  model,
                  "pp" + prompt + " b" + prompt,
                  false,
                  "-p",
                  prompt,
                  "-b",
                  prompt));
      String step = "tg" + steps + "@d" + context;
      measure(
          "decode.b1.plain",
          name -> bench(name, java, model, step, false, "-n", steps, "-d", context, "-b", 1));
      for (boolean graphs : new boolean[] {false, true}) {
        measure(
            "decode.b1.chunked" + (graphs ? "-graphs" : ""),
            name ->
                bench(
                    name,
                    java,
                    model,
                    step + " b32",
                    graphs,
                    "-n",
                    steps,
                    "-d",
                    context,
                    "-b",
                    32));
      }
      int batch = setting.gpu() ? 128 : 8;
      measure("decode.b" + batch, name -> batched(name, java, jar, model, batch));
    } finally {
      Files.deleteIfExists(model);
      Files.deleteIfExists(work);
    }
  }

  private Path jar() throws PeerException, IOException {
    Path target = folder.resolve("target");
    if (!Files.isRegularFile(folder.resolve("llama-tornado")) || !Files.isDirectory(target)) {
      throw new PeerException(folder + " holds no llama-tornado and target/: build it there");
    }
    try (Stream<Path> files = Files.list(target)) {
      return files
          .filter(f -> f.getFileName().toString().matches("gpu-llama3-.*\\.jar"))
          .findFirst()
          .orElseThrow(() -> new PeerException("no gpu-llama3-*.jar in " + target));
    }
  }

  /** What its launcher would run, up to the main class, with its own options of the JVM. */
  private List<String> javaCommand(Path model)
      throws PeerException, IOException, InterruptedException {
    String memory = setting.gpu() ? "40GB" : "4GB";
    String heap = setting.gpu() ? "16g" : "3g";
    List<String> command =
        new ArrayList<>(List.of(folder.resolve("llama-tornado").toString(), "--gpu"));
    command.addAll(List.of("--model", model.toString(), "--gpu-memory", memory));
    command.addAll(List.of("--heap-min", "1g", "--heap-max", heap, "--show-command"));
    List<String> output = execute(command, false);
    return javaCommand(output);
  }

  /** The arguments of the line it shows, without its main class and what follows. */
  static List<String> javaCommand(List<String> output) throws PeerException {
    for (String line : output) {
      int main = line.indexOf(MAIN);
      if (main >= 0 && line.contains(" -cp ")) {
        return ARGUMENT
            .matcher(line.substring(0, main))
            .results()
            .map(m -> m.group(1) != null ? m.group(1) : m.group(2))
            .toList();
      }
    }
    throw new PeerException("its launcher shows no java command" + GpuLlama3Output.last(output));
  }

  private Line bench(
      String name, List<String> java, Path model, String test, boolean graphs, Object... arguments)
      throws PeerException, IOException, InterruptedException {
    var command = new ArrayList<>(java);
    command.add("-Dllama.cudaGraphs=" + graphs);
    command.addAll(List.of(BENCH, "-m", model.toString()));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    command.addAll(List.of("-r", Integer.toString(REPETITIONS), "-o", "jsonl"));
    Series rate = GpuLlama3Output.bench(execute(command, true), test, REPETITIONS);
    return Line.alone(name, rate, UNIT, "its LlamaBench, " + test + ", CUDA graphs " + graphs);
  }

  private Line batched(String name, List<String> java, Path jar, Path model, int batch)
      throws PeerException, IOException, InterruptedException {
    try (var opened = new JarFile(jar.toFile())) {
      if (opened.getEntry(BATCHED.replace('.', '/') + ".class") == null) {
        throw new PeerException("this version has no bench.BatchedDecodeEngine");
      }
    }
    int letters = Math.max(1, setting.contextTokens() - TEMPLATE_TOKENS);
    String context = Integer.toString(setting.contextTokens() + 2 * steps + 2 * TEMPLATE_TOKENS);
    var command = new ArrayList<>(java);
    command.add("-Dllama.prefillBatchSize=" + batch);
    command.add("-Dbatch.decode.B=" + batch);
    command.add("-Dbatch.decode.ctx=" + context);
    command.add("-Dbatch.decode.n=" + (steps + 5));
    command.addAll(List.of(BATCHED, "-m", model.toString(), "-p", "a".repeat(letters)));
    command.addAll(List.of("--max-tokens", context, "--instruct"));
    var run = GpuLlama3Output.Batched.of(execute(command, true), batch);
    String workload =
        "its BatchedDecodeEngine, %d sequences at position %d, %d steps"
            .formatted(batch, run.promptTokens(), run.steps());
    return Line.alone(name, Series.of(run.rate()), UNIT, workload);
  }

  /**
   * @param java whether the command is a JVM's, whose numbers shall have points
   * @return lines of both streams
   * @throws PeerException if it cannot be started or does not end; its exit is not looked at, what
   *     it printed is
   */
  private List<String> execute(List<String> command, boolean java)
      throws PeerException, IOException, InterruptedException {
    var all = new ArrayList<>(command);
    if (java) {
      all.addAll(1, List.of("-Duser.language=en", "-Duser.country=US", "-Dstdout.encoding=UTF-8"));
    }
    Path output = Files.createTempFile("weft-gpullama3", ".txt");
    try {
      var builder = new ProcessBuilder(all).directory(folder.toFile()).redirectErrorStream(true);
      builder.environment().put("LLAMA_ROOT", folder.toString());
      builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
      builder.redirectInput(new File("/dev/null"));
      Process process = builder.redirectOutput(output.toFile()).start();
      if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
        process.destroyForcibly().waitFor();
        throw new PeerException("it did not end in " + LIMIT_MINUTES + " minutes");
      }
      return new String(Files.readAllBytes(output), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new PeerException("cannot start " + command.getFirst() + ": " + e.getMessage(), e);
    } finally {
      Files.deleteIfExists(output);
    }
  }
}
