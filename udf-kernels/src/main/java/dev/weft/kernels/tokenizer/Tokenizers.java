package dev.weft.kernels.tokenizer;

import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.model.gguf.GgufFile;
import dev.weft.kernels.model.gguf.GgufMetadata;
import java.io.IOException;
import java.nio.file.Path;

/** Makes the tokenizer that the metadata of a model file describe. */
public final class Tokenizers {
  private static final String MODEL = "tokenizer.ggml.model";

  private Tokenizers() {}

  /**
   * The tokenizer of a file; the file's tensors are not looked at and need not be there.
   *
   * @throws ModelFormatException if the file is broken or its tokenizer is not supported
   * @throws IOException if it cannot be read
   */
  public static Tokenizer open(Path path) throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      return of(file.metadata());
    }
  }

  /**
   * The tokenizer that metadata describe.
   *
   * @throws ModelFormatException if it is broken or not supported
   */
  public static Tokenizer of(GgufMetadata metadata) {
    String model = metadata.string(MODEL);
    return switch (model) {
      case "llama" -> SentencePiece.tokenizer(metadata);
      case "gpt2" -> BytePair.tokenizer(metadata);
      default ->
          throw new ModelFormatException(
              "the tokenizer " + model + " is not supported",
              "metadata key " + MODEL,
              "Supported are llama (SentencePiece) and gpt2 (byte-level BPE).");
    };
  }
}
