package dev.weft.benchmarks.cpu;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import de.kherud.llama.args.LogFormat;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Rounds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * llama.cpp through its Java binding as its documentation uses it: texts in, texts out, through the
 * server inside, with as many slots as there are requests at the same time.
 */
final class BindingPeer implements AutoCloseable {
  static final String NAME = "llama.cpp, Java binding";

  private final LlamaModel model;
  private final ExecutorService callers;
  private final SplittableRandom random = new SplittableRandom(3);

  private BindingPeer(LlamaModel model, int parallel) {
    this.model = model;
    callers = Executors.newFixedThreadPool(parallel);
  }

  /**
   * @param parallel slots
   * @param slotTokens most tokens of each, prompt and answer
   */
  static BindingPeer open(Path file, int threads, int parallel, int slotTokens)
      throws PeerException {
    // The binding's loader would else clear the system's folder of what looks like its own.
    String folder = LlamaLibrary.get().folder().toString();
    System.setProperty("de.kherud.llama.tmpdir", folder);
    System.setProperty("de.kherud.llama.lib.path", folder);
    try {
      LlamaModel.setLogger(LogFormat.TEXT, (level, message) -> {});
      return new BindingPeer(
          new LlamaModel(
              new ModelParameters()
                  .setModel(file.toString())
                  .setThreads(threads)
                  .setThreadsBatch(threads)
                  .setCtxSize(parallel * slotTokens)
                  .setParallel(parallel)
                  .enableFlashAttn()
                  .skipWarmup()
                  .disableLog()),
          parallel);
    } catch (RuntimeException | LinkageError e) {
      throw new PeerException("the Java binding of llama.cpp does not run here: " + e, e);
    }
  }

  /** Tokens per second of prompts of about this length, those counted that it made of the text. */
  double promptRate(int tokens) throws PeerException, InterruptedException {
    String text = text(tokens);
    int count = model.encode(text).length;
    long start = System.nanoTime();
    complete(List.of(text), 1);
    return count / Rounds.secondsSince(start);
  }

  /**
   * Tokens per second of requests that generate together: the time for {@code 1 + tokens} less the
   * time for one.
   */
  double decodeRate(int sequences, int promptTokens, int tokens)
      throws PeerException, InterruptedException {
    List<String> texts = new ArrayList<>();
    for (int s = 0; s < sequences; s++) {
      texts.add(text(promptTokens));
    }
    double one = complete(texts, 1);
    double all = complete(texts, tokens + 1);
    return sequences * (double) tokens / Math.max(1e-9, all - one);
  }

  /** Seconds until all have ended. */
  private double complete(List<String> texts, int tokens)
      throws PeerException, InterruptedException {
    long start = System.nanoTime();
    List<Future<String>> answers = new ArrayList<>();
    for (String text : texts) {
      InferenceParameters request =
          new InferenceParameters(text)
              .setNPredict(tokens)
              .setTemperature(0)
              .setIgnoreEos(true)
              .setCachePrompt(false);
      answers.add(callers.submit(() -> model.complete(request)));
    }
    for (Future<String> answer : answers) {
      try {
        answer.get();
      } catch (ExecutionException e) {
        throw new PeerException("the Java binding of llama.cpp failed: " + e.getCause(), e);
      }
    }
    return Rounds.secondsSince(start);
  }

  /** A letter is a token of the synthetic vocabularies; the text's begin takes four. */
  private String text(int tokens) {
    StringBuilder text = new StringBuilder();
    for (int i = 4; i < tokens; i++) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString();
  }

  @Override
  public void close() {
    callers.shutdown();
    model.close();
  }
}
