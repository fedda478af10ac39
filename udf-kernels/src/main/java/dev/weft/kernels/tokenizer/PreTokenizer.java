package dev.weft.kernels.tokenizer;

import java.util.Arrays;
import java.util.List;

/**
 * How byte-level BPE cuts a text into words, by the name in {@code tokenizer.ggml.pre}. The rules
 * are the regular expressions of the models' own tokenizers, scanned by hand in one pass: the work
 * is linear in the text, whatever it is.
 */
enum PreTokenizer {
  GPT2(WordRules.GPT2, false, false, "gpt-2"),
  LLAMA3(WordRules.LLAMA3, true, true, "llama-bpe", "llama3", "llama-v3"),
  QWEN2(WordRules.QWEN2, false, false, "qwen2", "deepseek-r1-qwen"),
  SMOLLM(WordRules.GPT2_SINGLE_DIGITS, false, false, "smollm"),
  STARCODER(WordRules.GPT2_SINGLE_DIGITS, false, false, "starcoder");

  private static final String KEY = "tokenizer.ggml.pre";

  /** Takes words. */
  @FunctionalInterface
  interface Words {
    /** The word of the characters {@code from .. to}. */
    void word(int from, int to);
  }

  private final WordRules rules;
  private final boolean ignoresMerges;
  private final boolean addsBos;
  private final List<String> names;

  PreTokenizer(WordRules rules, boolean ignoresMerges, boolean addsBos, String... names) {
    this.rules = rules;
    this.ignoresMerges = ignoresMerges;
    this.addsBos = addsBos;
    this.names = List.of(names);
  }

  static PreTokenizer of(TokenizerMetadata metadata) {
    String name = metadata.string(KEY);
    for (PreTokenizer preTokenizer : values()) {
      if (preTokenizer.names.contains(name)) {
        return preTokenizer;
      }
    }
    List<String> known = Arrays.stream(values()).flatMap(p -> p.names.stream()).toList();
    throw metadata.unsupported(KEY, name, known.toString());
  }

  /** Whether a word that is a token becomes that token without regard to merges. */
  boolean ignoresMerges() {
    return ignoresMerges;
  }

  /** Whether models with it expect a begin token where the file does not say. */
  boolean addsBos() {
    return addsBos;
  }

  /** Gives the words of a text in order; together they are the text. */
  void split(String text, Words words) {
    new WordScanner(text, rules, words).scan();
  }
}
