package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.sampling.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;

/** Weft's forward pass. */
final class WeftSteps implements Steps {
  static final String NAME = "weft";

  private final Model model;
  private final Backend backend;
  private final Transformer transformer;
  private final ForwardSteps steps;

  private WeftSteps(Model model, Backend backend, Transformer transformer, ForwardSteps steps) {
    this.model = model;
    this.backend = backend;
    this.transformer = transformer;
    this.steps = steps;
  }

  /** {@link #open(Path, int, int, int, int, KvFormat)} with keys and values in f32. */
  static WeftSteps open(Path file, int threads, int sequences, int tokens, int chunk)
      throws IOException {
    return open(file, threads, sequences, tokens, chunk, KvFormat.F32);
  }

  /**
   * @param tokens most of each sequence
   * @param chunk most tokens of a prompt that are computed at once
   */
  static WeftSteps open(
      Path file, int threads, int sequences, int tokens, int chunk, KvFormat kvFormat)
      throws IOException {
    int pages = ForwardSteps.pages(sequences, tokens);
    Model model = Model.open(file);
    Backend backend = null;
    try {
      backend = Backends.find("vector").open(new BackendConfig(threads));
      Transformer transformer = Transformer.open(model, backend, new KvConfig(pages, kvFormat));
      transformer.warmUp().warnings().forEach(line -> System.err.println("WARNING: " + line));
      return new WeftSteps(
          model,
          backend,
          transformer,
          new ForwardSteps(transformer, sequences, tokens, chunk, SamplingParams.ALL_TOKENS));
    } catch (RuntimeException e) {
      if (backend != null) {
        backend.close();
      }
      model.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int mostSequences() {
    return steps.mostSequences();
  }

  /** Its pages may be those of several sequences. */
  @Override
  public void prompt(int[] tokens) {
    steps.prompt(tokens);
  }

  @Override
  public void fill(int[][] prompts) {
    steps.fill(prompts);
  }

  @Override
  public void step(int[] tokens, int position) {
    steps.step(tokens, position);
  }

  /** What lies behind is overwritten. */
  @Override
  public void cut(int sequences, int tokens) {}

  @Override
  public void close() {
    transformer.close();
    backend.close();
    model.close();
  }
}
