package dev.weft.kernels.tokenizer;

import dev.weft.kernels.json.JsonObject;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.gguf.GgufWriter;
import dev.weft.kernels.tokenizer.huggingface.FolderTokenizer;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes files of the largest vocabularies that are read, and reads one in a process of its own.
 */
final class LargestVocabulary {
  private static final String P = "tokenizer.ggml.";
  private static final int COUNT = 1 << 19;

  /** Those before it are the bytes of words that are encoded. */
  private static final int ADDED_FROM = 1000;

  private LargestVocabulary() {}

  /** Reads the file and encodes with it. */
  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[0]);
    Tokenizer tokenizer =
        file.endsWith("tokenizer.json")
            ? FolderTokenizer.open(
                    file.getParent(),
                    JsonObject.parse(ByteBuffer.wrap(new byte[] {'{', '}'}), "config.json"),
                    COUNT)
                .tokenizer()
            : Model.openTokenizer(file);
    if (tokenizer.vocabSize() != COUNT || tokenizer.encode("a b").length == 0) {
      throw new AssertionError(tokenizer);
    }
  }

  /** Every merge is of two symbols that are no tokens, and makes a third. */
  static void writeBytePair(Path file, String preTokenizer) throws IOException {
    var merges = new String[COUNT];
    for (int i = 0; i < COUNT; i++) {
      merges[i] = "l" + Integer.toString(i, 36) + " r" + Integer.toString(i, 36);
    }
    new GgufWriter()
        .put(P + "model", "gpt2")
        .put(P + "pre", preTokenizer)
        .put(P + "tokens", tokens())
        .put(P + "merges", merges)
        .write(file);
  }

  /**
   * A {@code tokenizer.json} of byte-level BPE.
   *
   * @param pairs whether merges are arrays of two symbols
   * @param added tokens that are added tokens too
   */
  static void writeTokenizerJson(Path file, boolean pairs, int added) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("{\"added_tokens\":[");
      for (int i = 0; i < added; i++) {
        out.write(i == 0 ? "" : ",");
        out.write(
            "{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":false,\"special\":true}"
                .formatted(ADDED_FROM + i, Integer.toString(ADDED_FROM + i, 36)));
      }
      out.write(
          "],\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
              + "\"model\":{\"type\":\"BPE\",\"vocab\":{");
      for (int i = 0; i < COUNT; i++) {
        out.write((i == 0 ? "\"" : ",\"") + Integer.toString(i, 36) + "\":" + i);
      }
      out.write("},\"merges\":[");
      for (int i = 0; i < COUNT; i++) {
        String n = Integer.toString(i, 36);
        out.write(i == 0 ? "" : ",");
        out.write(pairs ? "[\"l" + n + "\",\"r" + n + "\"]" : "\"l" + n + " r" + n + "\"");
      }
      out.write("]}}");
    }
  }

  static void writeSentencePiece(Path file) throws IOException {
    new GgufWriter()
        .put(P + "model", "llama")
        .put(P + "tokens", tokens())
        .put(P + "scores", new float[COUNT])
        .write(file);
  }

  private static String[] tokens() {
    var tokens = new String[COUNT];
    for (int i = 0; i < COUNT; i++) {
      tokens[i] = Integer.toString(i, 36);
    }
    return tokens;
  }
}
