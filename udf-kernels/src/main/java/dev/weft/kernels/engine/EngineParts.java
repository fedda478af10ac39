package dev.weft.kernels.engine;

import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.Backends;
import dev.weft.kernels.backend.KernelHealth;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.memory.MemoryBudgetException;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Everything of an engine that holds memory or files: opened together, freed together. */
record EngineParts(
    Model model, Backend backend, Transformer transformer, int contextTokens, EngineInfo info)
    implements AutoCloseable {

  /**
   * @throws EngineException if something cannot be opened; nothing stays open then
   */
  static EngineParts open(EngineConfig config) {
    return open(config, null);
  }

  /**
   * @param chosen the backend; null for the one that the configuration names
   */
  static EngineParts open(EngineConfig config, BackendProvider chosen) {
    long start = System.nanoTime();
    Model model = null;
    Backend backend = null;
    try {
      model = Model.open(config.model());
      var spec = model.spec();
      int context = contextTokens(config, spec.contextLength());
      long pageBytes = Transformer.kvBytesPerPage(spec, config.kvFormat());
      int pages = pages(config, pageBytes);
      BackendProvider provider = chosen == null ? Backends.find(config.backend()) : chosen;
      backend =
          provider.open(
              new BackendConfig(config.threads())
                  .onDevice(config.device())
                  .tunedIn(config.tuningFolder())
                  .withTensorCores(config.tensorCores())
                  .withCudaGraphs(config.cudaGraphs()));
      Transformer transformer =
          Transformer.open(model, backend, new KvConfig(pages, config.kvFormat()));
      List<String> warnings = warnings(config.backend(), provider);
      if (transformer.roundsActivations()) {
        warnings.add(
            "weights of 4 bits (Q4_0, Q4_1, Q4_K) are multiplied with activations rounded to 9"
                + " bits; those of other formats are computed in f32");
      }
      if (config.tensorCores()) {
        warnings.add(
            transformer.roundsToHalf()
                ? "engine.tensorCores: weights and activations are rounded to f16 (11 bits) before"
                    + " they are multiplied; F32 weights are computed in f32"
                : "engine.tensorCores has no effect: the model's weights are F32");
      }
      double warmUpSeconds = 0;
      if (provider.fasterThanPlainJava()) {
        KernelHealth health = transformer.warmUp();
        warmUpSeconds = health.warmUpSeconds();
        warnings.addAll(health.warnings());
      } else if (provider.compilesAtFirstUse()) {
        long before = System.nanoTime();
        transformer.runLargestSteps(config.budgetTokens(), config.maxSequences(), context);
        warmUpSeconds = (System.nanoTime() - before) * 1e-9;
      }
      EngineInfo info =
          new EngineInfo(
              model.name(),
              spec.architecture(),
              spec.vocabSize(),
              context,
              backend.name(),
              backend.threads(),
              config.pageTokens(),
              pages,
              pages * pageBytes,
              Math.max(model.weightBytes(), transformer.weightBytes()),
              (System.nanoTime() - start) * 1e-9,
              warmUpSeconds,
              provider.compilesAtFirstUse(),
              warnings);
      return new EngineParts(model, backend, transformer, context, info);
    } catch (IOException e) {
      closeAfter(e, model, backend);
      throw new EngineException("cannot read the model " + config.model() + ": " + e, e);
    } catch (ModelFormatException | IllegalArgumentException e) {
      closeAfter(e, model, backend);
      throw new EngineException(e.getMessage(), e);
    } catch (MemoryBudgetException e) {
      closeAfter(e, model, backend);
      throw new EngineException(EngineException.Kind.OUT_OF_MEMORY, e.getMessage(), e, new long[0]);
    } catch (Throwable e) {
      closeAfter(e, model, backend);
      throw e;
    }
  }

  Tokenizer tokenizer() {
    return model.tokenizer();
  }

  /** Frees memory and files. */
  @Override
  public void close() {
    try {
      transformer.close();
    } finally {
      close(model, backend);
    }
  }

  private static void close(Model model, Backend backend) {
    try (model;
        backend) {
      // A backend that cannot be closed must not keep the model open.
    }
  }

  /** A device that failed may fail at this too, and what it failed at first is to be known. */
  private static void closeAfter(Throwable error, Model model, Backend backend) {
    try {
      close(model, backend);
    } catch (RuntimeException e) {
      error.addSuppressed(e);
    }
  }

  private static int contextTokens(EngineConfig config, int modelTokens) {
    if (config.contextTokens() > modelTokens) {
      throw new EngineException(
          "a context of "
              + config.contextTokens()
              + " tokens was asked for, but the model "
              + config.model()
              + " was made for "
              + modelTokens
              + "; ask for at most that");
    }
    return config.contextTokens() == 0 ? modelTokens : config.contextTokens();
  }

  private static int pages(EngineConfig config, long pageBytes) {
    long pages =
        Math.min(Integer.MAX_VALUE / config.pageTokens(), config.kvBudgetBytes() / pageBytes);
    if (pages < 2) {
      throw new EngineException(
          EngineException.Kind.OUT_OF_MEMORY,
          "a KV budget of %d bytes is less than two pages of %d bytes; give the KV cache more memory"
              .formatted(config.kvBudgetBytes(), pageBytes),
          null,
          new long[0]);
    }
    return (int) pages;
  }

  /** Faster backends that {@code auto} could not take. */
  private static List<String> warnings(String wanted, BackendProvider chosen) {
    var warnings = new ArrayList<String>();
    for (BackendProvider provider : Backends.all()) {
      if (provider.priority() > chosen.priority() && wanted.equals("auto")) {
        warnings.add(
            "backend "
                + chosen.name()
                + " is used because "
                + provider.name()
                + " is not available: "
                + provider.availability().reason());
      }
    }
    return warnings;
  }
}
