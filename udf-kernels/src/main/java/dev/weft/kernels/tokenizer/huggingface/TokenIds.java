package dev.weft.kernels.tokenizer.huggingface;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.tokenizer.Tokenizer;
import java.util.List;
import java.util.Set;

/**
 * Stands in for the tokenizer of a model that has none: requests of token ids run, and the text of
 * an answer is its token ids with a space after each; text cannot be encoded.
 *
 * @param folder the model, for messages
 * @param bosToken or -1
 * @param ends ids that end an answer, the first of them {@link #eosToken()}
 */
record TokenIds(
    String folder, int vocabSize, int bosToken, List<Integer> endList, Set<Integer> ends)
    implements Tokenizer {

  TokenIds(String folder, int vocabSize, int bosToken, List<Integer> ends) {
    this(folder, vocabSize, bosToken, List.copyOf(ends), Set.copyOf(ends));
  }

  @Override
  public int eosToken() {
    return endList.isEmpty() ? -1 : endList.getFirst();
  }

  @Override
  public boolean addsBos() {
    return false;
  }

  @Override
  public boolean addsEos() {
    return false;
  }

  @Override
  public boolean isEndOfGeneration(int token) {
    return ends.contains(token);
  }

  @Override
  public boolean isSpecial(int token) {
    return token == bosToken || ends.contains(token);
  }

  @Override
  public String tokenText(int token) {
    return String.valueOf(token);
  }

  @Override
  public int[] encode(String text) {
    throw new UnsupportedOperationException(
        "the model "
            + folder
            + " has no tokenizer (tokenizer.json or tokenizer.model), so it takes token_ids only;"
            + " add the tokenizer's files to the folder to use text");
  }

  @Override
  public int[] encodeWithSpecials(String text, char guard) {
    return encode(text);
  }

  @Override
  public List<String> specialStrings() {
    return List.of();
  }

  @Override
  public byte[] bytes(int token) {
    return isSpecial(token) ? new byte[0] : (token + " ").getBytes(UTF_8);
  }

  @Override
  public boolean dropsLeadingSpace() {
    return false;
  }
}
