package dev.weft.kernels.model;

import dev.weft.kernels.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * An open model file: its shape, its weights by role, its tokenizer and its chat template. Weights
 * stay in the memory-mapped file. Immutable and safe for many threads until closed; using a tensor
 * after {@link #close()} raises {@link IllegalStateException}.
 */
public final class Model implements AutoCloseable {
  private Model() {}

  /**
   * Opens a GGUF file and checks it: structure, architecture, the shape of every tensor, finite
   * normalisation weights, tokenizer.
   *
   * @throws ModelFormatException if the file is broken or not supported
   * @throws IOException if it cannot be read
   */
  public static Model open(Path path) throws IOException {
    throw new UnsupportedOperationException("not yet");
  }

  /** Where the model was opened. */
  public Path path() {
    throw new UnsupportedOperationException();
  }

  /** The file's {@code general.name}, else the file name. */
  public String name() {
    throw new UnsupportedOperationException();
  }

  /** The model's shape. */
  public TransformerSpec spec() {
    throw new UnsupportedOperationException();
  }

  /** The weights, as stored, mapped from the file. */
  public ModelWeights weights() {
    throw new UnsupportedOperationException();
  }

  /** The tokenizer of the file. */
  public Tokenizer tokenizer() {
    throw new UnsupportedOperationException();
  }

  /** The file's Jinja chat template, if it has one. */
  public Optional<String> chatTemplate() {
    throw new UnsupportedOperationException();
  }

  /** Number of weights. */
  public long parameters() {
    throw new UnsupportedOperationException();
  }

  /** Bytes of all weights as stored. */
  public long weightBytes() {
    throw new UnsupportedOperationException();
  }

  /** SHA-256 of the file, lower-case hex; computed at the first call by reading the whole file. */
  public String contentHash() throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Unmaps the file. */
  @Override
  public void close() {}
}
