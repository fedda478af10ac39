package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.PeerException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Path;

/** A GGUF file opened by llama.cpp. Close its contexts first. */
final class LlamaModelFile implements AutoCloseable {
  private final LlamaLibrary library;
  private final int vocabSize;
  private MemorySegment model;

  private LlamaModelFile(LlamaLibrary library, MemorySegment model, int vocabSize) {
    this.library = library;
    this.model = model;
    this.vocabSize = vocabSize;
  }

  /**
   * @throws PeerException if llama.cpp cannot be loaded or refuses the file
   */
  static LlamaModelFile open(Path file) throws PeerException {
    LlamaLibrary library = LlamaLibrary.get();
    try (Arena arena = Arena.ofConfined()) {
      SegmentAllocator allocator = arena;
      MemorySegment params = (MemorySegment) library.modelDefaults.invokeExact(allocator);
      MemorySegment model =
          (MemorySegment)
              library.loadModel.invokeExact(arena.allocateFrom(file.toString()), params);
      if (model.equals(MemorySegment.NULL)) {
        throw new PeerException("llama.cpp refuses " + file + ": " + LlamaLibrary.lastError());
      }
      MemorySegment vocabulary = (MemorySegment) library.vocabulary.invokeExact(model);
      int vocabSize = (int) library.vocabularySize.invokeExact(vocabulary);
      return new LlamaModelFile(library, model, vocabSize);
    } catch (PeerException e) {
      throw e;
    } catch (Throwable e) {
      throw LlamaLibrary.failure("llama_model_load_from_file", e);
    }
  }

  LlamaContext context(LlamaContext.Options options) throws PeerException {
    return new LlamaContext(library, model, vocabSize, options);
  }

  @Override
  public void close() {
    try {
      library.freeModel.invokeExact(model);
    } catch (Throwable e) {
      throw new IllegalStateException("llama_model_free failed", e);
    }
    model = MemorySegment.NULL;
  }
}
