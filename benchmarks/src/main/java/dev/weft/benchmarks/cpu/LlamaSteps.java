package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.PeerException;
import java.util.stream.IntStream;

/** {@code llama_decode}, called without the binding. */
final class LlamaSteps implements Steps {
  private final String name;
  private final LlamaContext context;
  private final LlamaBatch batch;
  private final int sequences;

  private LlamaSteps(String name, LlamaContext context, int chunk, int sequences) {
    this.name = name;
    this.context = context;
    this.sequences = sequences;
    batch = new LlamaBatch(Math.max(chunk, sequences));
  }

  /**
   * @param tokens most of each sequence
   * @param chunk most tokens of a prompt that are computed at once
   */
  static LlamaSteps open(
      LlamaModelFile model, int threads, int sequences, int tokens, int chunk, boolean flash)
      throws PeerException {
    var options =
        new LlamaContext.Options(
            threads, sequences * tokens, sequences, Math.max(chunk, sequences), flash);
    return new LlamaSteps(name(flash), model.context(options), chunk, sequences);
  }

  static String name(boolean flash) {
    return flash ? "llama.cpp, flash attention" : "llama.cpp";
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int mostSequences() {
    return sequences;
  }

  @Override
  public void prompt(int[] tokens) throws PeerException {
    context.clear();
    prompt(0, tokens);
  }

  /** Prompts are computed one by one, or copied where the same one comes again. */
  @Override
  public void fill(int[][] prompts) throws PeerException {
    context.clear();
    prompt(0, prompts[0]);
    int same = 1;
    while (same < prompts.length && prompts[same] == prompts[0]) {
      same++;
    }
    if (same > 1) {
      context.copyState(0, IntStream.range(1, same).toArray());
    }
    for (int s = same; s < prompts.length; s++) {
      prompt(s, prompts[s]);
    }
  }

  private void prompt(int sequence, int[] tokens) throws PeerException {
    for (int from = 0; from < tokens.length; from += batch.capacity()) {
      int end = Math.min(tokens.length, from + batch.capacity());
      batch.clear();
      for (int t = from; t < end; t++) {
        batch.add(tokens[t], t, sequence, t == tokens.length - 1);
      }
      context.decode(batch);
    }
    context.logits(batch.size() - 1);
  }

  @Override
  public void step(int[] tokens, int position) throws PeerException {
    batch.clear();
    for (int s = 0; s < tokens.length; s++) {
      batch.add(tokens[s], position, s, true);
    }
    context.decode(batch);
    context.logits(tokens.length - 1);
  }

  @Override
  public void cut(int count, int tokens) throws PeerException {
    for (int s = 0; s < count; s++) {
      context.keep(s, tokens);
    }
  }

  @Override
  public void close() {
    batch.close();
    context.close();
  }
}
