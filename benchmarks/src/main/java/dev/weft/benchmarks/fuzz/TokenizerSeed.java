package dev.weft.benchmarks.fuzz;

import dev.weft.kernels.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/** Small vocabularies, and what is asked of a tokenizer that was read. */
final class TokenizerSeed {
  private static final String P = "tokenizer.ggml.";

  private TokenizerSeed() {}

  /** Adds a vocabulary; returns its size. */
  static int addTo(GgufSketch sketch, boolean sentencePiece) {
    String[] tokens = tokens(sentencePiece);
    sketch.put(P + "model", sentencePiece ? "llama" : "gpt2").put(P + "tokens", tokens);
    sketch.put(P + "token_type", types(sentencePiece, tokens.length));
    if (sentencePiece) {
      sketch.put(P + "scores", scores(tokens.length));
      sketch.put(P + "unknown_token_id", 0);
    } else {
      sketch.put(P + "pre", "llama-bpe").put(P + "merges", merges());
    }
    sketch.put(P + "bos_token_id", 1).put(P + "eos_token_id", 2);
    return tokens.length;
  }

  /** 0 unknown, 1 begin, 2 end, 3 and 4 control, then ordinary ones. */
  static String[] tokens(boolean sentencePiece) {
    List<String> tokens =
        new ArrayList<>(List.of("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"));
    if (sentencePiece) {
      tokens.addAll(List.of("\u2581", "a", "b", "\u2581a", "ab", "aa", "aaaa", "the", "\u00e9"));
    } else {
      for (char c = '!'; c <= '~'; c++) {
        tokens.add(String.valueOf(c));
      }
      tokens.addAll(List.of("\u0120", "\u010a", "ab", "aa", "aaaa", "\u0120a", "th", "the"));
    }
    return tokens.toArray(String[]::new);
  }

  static int[] types(boolean sentencePiece, int count) {
    var types = new int[count];
    java.util.Arrays.fill(types, 1);
    types[0] = 2;
    java.util.Arrays.fill(types, 1, 5, 3);
    return types;
  }

  static float[] scores(int count) {
    var scores = new float[count];
    for (int i = 0; i < count; i++) {
      scores[i] = -i;
    }
    return scores;
  }

  static String[] merges() {
    return new String[] {"a b", "a a", "aa aa", "\u0120 a", "t h", "th e"};
  }

  /** Encodes and decodes a text; throws what is no tokenizer's to throw if an id is not right. */
  static void use(Tokenizer tokenizer, String text) {
    check(tokenizer, tokenizer.encode(text), true);
    check(tokenizer, tokenizer.encodeWithSpecials(text, '\ufdd0'), false);
    tokenizer.specialStrings();
    for (int token : new int[] {0, tokenizer.vocabSize() - 1}) {
      tokenizer.tokenText(token);
      tokenizer.decode(token);
    }
  }

  private static void check(Tokenizer tokenizer, int[] ids, boolean ordinary) {
    for (int id : ids) {
      if (id < 0 || id >= tokenizer.vocabSize()) {
        throw new AssertionError("id " + id + " of " + tokenizer.vocabSize());
      }
      boolean turns = id == tokenizer.bosToken() || tokenizer.isEndOfGeneration(id);
      if (ordinary && turns && tokenizer.isSpecial(id) && tokenizer.tokenText(id).length() > 1) {
        throw new AssertionError("ordinary text became the special token " + id);
      }
    }
    tokenizer.decode(ids);
  }
}
