package dev.weft.kernels.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The largest vocabularies are read within a heap of four times the file and 64 MiB. */
class TokenizerMemoryTest {
  @TempDir Path folder;

  @Test
  void bytePair() throws Exception {
    Path file = folder.resolve("bpe.gguf");
    LargestVocabulary.writeBytePair(file, "gpt-2");
    isReadWithinItsBound(file);
  }

  @Test
  void bytePairOfWholeWords() throws Exception {
    Path file = folder.resolve("bpe.gguf");
    LargestVocabulary.writeBytePair(file, "llama-bpe");
    isReadWithinItsBound(file);
  }

  @Test
  void sentencePiece() throws Exception {
    Path file = folder.resolve("spm.gguf");
    LargestVocabulary.writeSentencePiece(file);
    isReadWithinItsBound(file);
  }

  @Test
  void tokenizerJsonWithMergesAsText() throws Exception {
    Path file = folder.resolve("tokenizer.json");
    LargestVocabulary.writeTokenizerJson(file, false, 0);
    isReadWithinItsBound(file);
  }

  @Test
  void tokenizerJsonWithMergesAsPairsAndAddedTokens() throws Exception {
    Path file = folder.resolve("tokenizer.json");
    LargestVocabulary.writeTokenizerJson(file, true, 1 << 15);
    isReadWithinItsBound(file);
  }

  private void isReadWithinItsBound(Path file) throws IOException, InterruptedException {
    long heapBytes = 4 * Files.size(file) + (64 << 20);
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-Xmx" + heapBytes,
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                LargestVocabulary.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor()).as(() -> contents(log)).isZero();
  }

  private static String contents(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
