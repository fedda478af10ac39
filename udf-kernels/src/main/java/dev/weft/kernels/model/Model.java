package dev.weft.kernels.model;

import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.model.gguf.GgufMetadata;
import dev.weft.kernels.model.gguf.GgufTensor;
import dev.weft.kernels.tokenizer.Tokenizer;
import dev.weft.kernels.tokenizer.Tokenizers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * An open model file: its shape, its weights by role, its tokenizer and its chat template. Weights
 * stay in the memory-mapped file. Safe for many threads until closed; using a tensor after {@link
 * #close()} raises {@link IllegalStateException}.
 */
public final class Model implements AutoCloseable {
  private static final long HASH_CHUNK_BYTES = 1 << 26;

  private final GgufFile file;
  private final TransformerSpec spec;
  private final ModelWeights weights;
  private final Tokenizer tokenizer;
  private String contentHash;

  private Model(GgufFile file, TransformerSpec spec, ModelWeights weights, Tokenizer tokenizer) {
    this.file = file;
    this.spec = spec;
    this.weights = weights;
    this.tokenizer = tokenizer;
  }

  /**
   * Opens a GGUF file and checks it: structure, architecture, the shape of every tensor, finite
   * normalisation weights, tokenizer. Matrices are not read; {@link Tensor#requireFinite} checks
   * their values.
   *
   * @throws ModelFormatException if the file is broken or not supported
   * @throws IOException if it cannot be read
   */
  public static Model open(Path path) throws IOException {
    GgufFile file = GgufFile.open(path);
    try {
      ModelArchitecture architecture = ModelArchitecture.of(file);
      if (file.tensors().isEmpty()) {
        throw new ModelFormatException(
            "the file has no tensors, only metadata", path.toString(), "Give a whole model.");
      }
      TransformerSpec spec = architecture.spec(file);
      var tensors = new TensorSource(file);
      ModelWeights weights = architecture.weights(spec, tensors);
      tensors.requireAllTaken(architecture.name());
      return new Model(file, spec, weights, Tokenizers.of(file.metadata()));
    } catch (Throwable e) {
      file.close();
      throw e;
    }
  }

  /**
   * The tokenizer of a GGUF file, whose tensors are not looked at and need not be there.
   *
   * @throws ModelFormatException if the file is broken or its tokenizer is not supported
   * @throws IOException if it cannot be read
   */
  public static Tokenizer openTokenizer(Path path) throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      return Tokenizers.of(file.metadata());
    }
  }

  /** Where the model was opened. */
  public Path path() {
    return file.path();
  }

  /** The file's {@code general.name}, else the file name. */
  public String name() {
    return metadata()
        .optionalString("general.name")
        .orElseGet(() -> String.valueOf(path().getFileName()));
  }

  /** All metadata of the file. */
  public GgufMetadata metadata() {
    return file.metadata();
  }

  /** The model's shape. */
  public TransformerSpec spec() {
    return spec;
  }

  /** The weights, as stored, mapped from the file. */
  public ModelWeights weights() {
    return weights;
  }

  /** The tokenizer of the file; usable after {@link #close()}. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The file's Jinja chat template, if it has one. */
  public Optional<String> chatTemplate() {
    return metadata().optionalString("tokenizer.chat_template");
  }

  /** Number of weights. */
  public long parameters() {
    long parameters = 0;
    for (GgufTensor tensor : file.tensors()) {
      long elements = 1;
      for (long dimension : tensor.shape()) {
        elements *= dimension;
      }
      parameters += elements;
    }
    return parameters;
  }

  /** Bytes of all weights as stored. */
  public long weightBytes() {
    return file.tensors().stream().mapToLong(GgufTensor::bytes).sum();
  }

  /** SHA-256 of the file, lower-case hex; the first call reads the whole file. */
  public synchronized String contentHash() {
    if (contentHash == null) {
      MessageDigest digest;
      try {
        digest = MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError("every Java platform has SHA-256", e);
      }
      MemorySegment bytes = file.bytes();
      for (long at = 0; at < bytes.byteSize(); at += HASH_CHUNK_BYTES) {
        long length = Math.min(HASH_CHUNK_BYTES, bytes.byteSize() - at);
        digest.update(bytes.asSlice(at, length).asByteBuffer());
      }
      contentHash = HexFormat.of().formatHex(digest.digest());
    }
    return contentHash;
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    file.close();
  }
}
