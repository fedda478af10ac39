package dev.weft.kernels.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * GPT-2's printable stand-ins for bytes: printable Latin-1 characters stand for themselves, the
 * others for U+0100 onwards in order. Source: {@code bytes_to_unicode} of the GPT-2 release.
 */
final class ByteAlphabet {
  private static final char[] CHARACTERS = new char[256];
  private static final short[] BYTES = new short[0x200];

  static {
    Arrays.fill(BYTES, (short) -1);
    char next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      CHARACTERS[b] = printable ? (char) b : next++;
      BYTES[CHARACTERS[b]] = (short) b;
    }
  }

  private ByteAlphabet() {}

  /** The stand-in of byte {@code b}, 0 to 255. */
  static char character(int b) {
    return CHARACTERS[b];
  }

  /** The bytes of stand-ins; a token with another character is plain text, taken as UTF-8. */
  static byte[] decode(String token) {
    var bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= BYTES.length || BYTES[c] < 0) {
        return token.getBytes(UTF_8);
      }
      bytes[i] = (byte) BYTES[c];
    }
    return bytes;
  }
}
