package dev.weft.kernels.model;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.model.WeightStore.Stored;
import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.tokenizer.Tokenizer;
import dev.weft.kernels.tokenizer.Tokenizers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * An open model, of a GGUF file or a Hugging Face folder: its shape, its weights by role, its
 * tokenizer and its chat template. Weights stay in the memory-mapped files. Safe for many threads
 * until closed; using a tensor after {@link #close()} raises {@link IllegalStateException}.
 */
public final class Model implements AutoCloseable {
  private static final int HASH_BUFFER_BYTES = 1 << 20;

  private final WeightStore store;
  private final List<Path> files;
  private final String name;
  private final TransformerSpec spec;
  private final ModelWeights weights;
  private final Tokenizer tokenizer;
  private final Optional<String> chatTemplate;

  Model(
      WeightStore store,
      List<Path> files,
      String name,
      TransformerSpec spec,
      ModelWeights weights,
      Tokenizer tokenizer,
      Optional<String> chatTemplate) {
    this.store = store;
    this.files = files;
    this.name = name;
    this.spec = spec;
    this.weights = weights;
    this.tokenizer = tokenizer;
    this.chatTemplate = chatTemplate;
  }

  /**
   * Opens a GGUF file or a Hugging Face folder and checks it: structure, architecture, the shape of
   * every tensor, finite normalisation weights and biases, tokenizer. Matrices are not read; {@link
   * #requireFinite} checks their values.
   *
   * @throws ModelFormatException if it is broken or not supported
   * @throws IOException if it cannot be read
   */
  public static Model open(Path path) throws IOException {
    return Files.isDirectory(path) ? HuggingFaceFolder.open(path) : openGguf(path);
  }

  private static Model openGguf(Path path) throws IOException {
    if (path.toString().endsWith(".safetensors")) {
      throw new ModelFormatException(
          "the file has weights only", path.toString(), "Give the folder that holds it.");
    }
    GgufFile file = GgufFile.open(path);
    try {
      var shape = new GgufSpec(file);
      if (file.tensors().isEmpty()) {
        throw new ModelFormatException(
            "the file has no tensors, only metadata", path.toString(), "Give a whole model.");
      }
      TransformerSpec spec = shape.spec();
      var store = new WeightStore.Gguf(file);
      var tensors = new TensorSource(store);
      ModelWeights weights =
          new WeightReader(shape.architecture(), spec, TensorNames.GGUF, tensors).read();
      // The divisors of the angles are in the spec.
      tensors.requireAllTaken(spec.architecture(), GgufSpec.ROPE_DIVISORS::equals);
      return new Model(
          store,
          List.of(path),
          file.metadata()
              .optionalString("general.name")
              .orElseGet(() -> String.valueOf(path.getFileName())),
          spec,
          weights,
          Tokenizers.of(file.metadata()),
          file.metadata().optionalString("tokenizer.chat_template"));
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

  /** Where the model was opened: file or folder. */
  public Path path() {
    return store.path();
  }

  /** The file's {@code general.name}, else the name of file or folder. */
  public String name() {
    return name;
  }

  /** The model's shape. */
  public TransformerSpec spec() {
    return spec;
  }

  /** The weights, as stored, mapped from the files. */
  public ModelWeights weights() {
    return weights;
  }

  /** The model's tokenizer; usable after {@link #close()}. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The model's Jinja chat template, if it has one. */
  public Optional<String> chatTemplate() {
    return chatTemplate;
  }

  /** Number of weights. */
  public long parameters() {
    return store.parameters();
  }

  /** Bytes of all weights as stored. */
  public long weightBytes() {
    return store.bytes();
  }

  /**
   * Checks that no weight is an infinity or a NaN, which would spread to every answer; reads all of
   * them.
   *
   * @throws ModelFormatException naming a tensor that has one
   */
  public void requireFinite() {
    store.names().parallelStream()
        .forEach(
            name -> {
              Stored stored = store.find(name).orElseThrow();
              int columns = Math.toIntExact(stored.shape().getLast());
              int rows = Math.toIntExact(WeightStore.elements(stored.shape()) / columns);
              new Tensor(name, stored.format(), rows, columns, stored.data())
                  .requireFinite(stored.file());
            });
  }

  /**
   * SHA-256, lower-case hex: of the file, or of a line {@code hash name} for each file of the
   * folder. Reads all of them.
   */
  public String contentHash() throws IOException {
    if (!Files.isDirectory(path())) {
      return hash(path());
    }
    MessageDigest digest = sha256();
    for (Path file : files) {
      digest.update((hash(file) + " " + file.getFileName() + "\n").getBytes(UTF_8));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static String hash(Path file) throws IOException {
    MessageDigest digest = sha256();
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      byte[] buffer = new byte[HASH_BUFFER_BYTES];
      while (in.read(buffer) >= 0) {
        // Reading feeds the digest.
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /** Unmaps the files. */
  @Override
  public void close() {
    store.close();
  }
}
