package dev.weft.benchmarks.fuzz;

import java.util.List;
import java.util.random.RandomGenerator;

/** Texts that tokenizers, templates and parsers tend to be wrong about. */
final class Texts {
  /** Strings with a meaning of their own to some model. */
  static final List<String> SPECIAL =
      List.of("<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "[INST]");

  private static final String[] PIECES = {
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "a",
    "aa",
    "ab",
    "the",
    "'s",
    "'ll",
    "'RE",
    "1",
    "12345",
    "!?",
    "{{",
    "%}",
    "\u2581",
    "\u00e9",
    "\u4e2d\u6587",
    "\ud83d\ude00",
    "\ud800",
    "\udc00",
    "\ufdd0",
    "\ufffd",
    "\uffff",
    "\u0000",
    "\u0085",
    "\u00a0",
    "\u3000",
    "\u0301",
    "\u200d",
    "\u0130",
    "\u00df",
    "\\",
    "\"",
    "<0x0A>"
  };

  private Texts() {}

  /** A short text, or now and then a long run of one piece. */
  static String next(RandomGenerator random) {
    var text = new StringBuilder();
    int parts = random.nextInt(12);
    for (int i = 0; i < parts; i++) {
      String piece = piece(random);
      text.append(random.nextInt(20) == 0 ? piece.repeat(1 + random.nextInt(400)) : piece);
    }
    return text.toString();
  }

  private static String piece(RandomGenerator random) {
    return switch (random.nextInt(8)) {
      case 0 -> SPECIAL.get(random.nextInt(SPECIAL.size()));
      case 1 -> Character.toString(random.nextInt(Character.MAX_CODE_POINT + 1));
      case 2 -> {
        String special = SPECIAL.get(random.nextInt(SPECIAL.size()));
        yield special.substring(random.nextInt(special.length()));
      }
      default -> PIECES[random.nextInt(PIECES.length)];
    };
  }
}
