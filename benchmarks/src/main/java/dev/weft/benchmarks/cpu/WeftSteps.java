package dev.weft.benchmarks.cpu;

import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.forward.StepBatch;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.model.Model;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.IntStream;

/** Weft's forward pass. */
final class WeftSteps implements Steps {
  static final String NAME = "weft";

  private final Model model;
  private final Backend backend;
  private final Transformer transformer;
  private final int[][] pages;
  private final float[] logits;
  private final int chunk;
  private final StepBatch batch = new StepBatch();

  private WeftSteps(
      Model model, Backend backend, Transformer transformer, int[][] pages, int chunk) {
    this.model = model;
    this.backend = backend;
    this.transformer = transformer;
    this.pages = pages;
    this.chunk = chunk;
    logits = new float[pages.length * model.spec().vocabSize()];
  }

  /**
   * @param tokens most of each sequence
   * @param chunk most tokens of a prompt that are computed at once
   */
  static WeftSteps open(Path file, int threads, int sequences, int tokens, int chunk)
      throws IOException {
    int each = Math.ceilDiv(tokens, KvConfig.PAGE_TOKENS);
    int[][] pages = new int[sequences][each];
    for (int s = 0; s < sequences; s++) {
      for (int p = 0; p < each; p++) {
        pages[s][p] = s * each + p;
      }
    }
    Model model = Model.open(file);
    Backend backend = null;
    try {
      backend = Backends.find("auto").open(new BackendConfig(threads));
      Transformer transformer = Transformer.open(model, backend, new KvConfig(sequences * each));
      transformer.warmUp().warnings().forEach(line -> System.err.println("WARNING: " + line));
      return new WeftSteps(model, backend, transformer, pages, chunk);
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
    return pages.length;
  }

  /** Its pages may be those of several sequences. */
  @Override
  public void prompt(int[] tokens) {
    prompt(IntStream.range(0, Math.ceilDiv(tokens.length, KvConfig.PAGE_TOKENS)).toArray(), tokens);
  }

  @Override
  public void fill(int[][] prompts) {
    for (int s = 0; s < prompts.length; s++) {
      prompt(pages[s], prompts[s]);
    }
  }

  private void prompt(int[] table, int[] tokens) {
    for (int from = 0; from < tokens.length; from += chunk) {
      int end = Math.min(tokens.length, from + chunk);
      batch.clear();
      batch.beginSequence(table);
      for (int t = from; t < end; t++) {
        batch.addToken(tokens[t], t, t == tokens.length - 1);
      }
      transformer.forward(batch, logits);
    }
  }

  @Override
  public void step(int[] tokens, int position) {
    batch.clear();
    for (int s = 0; s < tokens.length; s++) {
      batch.beginSequence(pages[s]);
      batch.addToken(tokens[s], position, true);
    }
    transformer.forward(batch, logits);
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
