package dev.weft.kernels.tokenizer;

/** Makes the tokenizer that the metadata of a model file describe. */
public final class Tokenizers {
  private static final String MODEL = "tokenizer.ggml.model";

  private Tokenizers() {}

  /** The tokenizer; throws the metadata's exception if it is broken or not supported. */
  public static Tokenizer of(TokenizerMetadata metadata) {
    String model = metadata.string(MODEL);
    return switch (model) {
      case "llama" -> SentencePiece.tokenizer(metadata);
      case "gpt2" -> BytePair.tokenizer(metadata);
      default ->
          throw metadata.unsupported(
              MODEL, model, "llama (SentencePiece) and gpt2 (byte-level BPE)");
    };
  }
}
