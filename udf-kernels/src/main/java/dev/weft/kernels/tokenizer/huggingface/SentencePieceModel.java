package dev.weft.kernels.tokenizer.huggingface;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;

/**
 * SentencePiece's {@code tokenizer.model}, a protocol buffer: {@code
 * sentencepiece/src/sentencepiece_model.proto}. Only BPE without a normalisation table is read.
 */
final class SentencePieceModel {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int LENGTH = 2;
  private static final int FIXED32 = 5;
  private static final int BPE = 2;

  private final String where;
  private final TokenList tokens;
  private long pieces;
  private int modelType = 1;
  private long bos = 1;
  private long eos = 2;
  private boolean prefix = true;
  private boolean removesExtraSpaces = true;

  private SentencePieceModel(String where, TokenList tokens) {
    this.where = where;
    this.tokens = tokens;
  }

  /** Takes one field; leaves the buffer where it was. */
  private interface Fields {
    void take(int number, int type, long value, ByteBuffer bytes);
  }

  /** Adds the pieces to {@code tokens} and gives the scheme; tokens are not yet described. */
  static SentencePieceModel read(ByteBuffer file, String where, TokenList tokens) {
    var model = new SentencePieceModel(where, tokens);
    model.fields(
        file,
        (number, type, _, bytes) -> {
          if (type == LENGTH) {
            switch (number) {
              case 1 -> model.piece(bytes);
              case 2 -> model.fields(bytes, model::trainer);
              case 3 -> model.fields(bytes, model::normalizer);
              default -> {}
            }
          }
        });
    if (model.modelType != BPE) {
      throw new ModelFormatException(
          "the SentencePiece model has the type " + model.modelType + ", which is not supported",
          where,
          "Supported is BPE (2); use another model.");
    }
    return model;
  }

  void describe(FolderMetadata metadata) {
    tokens.describe(metadata);
    metadata
        .put("tokenizer.ggml.model", "llama")
        .put("tokenizer.ggml.scores", tokens.scores())
        .put("tokenizer.ggml.add_space_prefix", prefix)
        .put(TokenizerMetadata.REMOVE_EXTRA_SPACES, removesExtraSpaces);
  }

  /** Begin token, or -1. */
  int bos() {
    return bos < 0 || bos >= pieces ? -1 : (int) bos;
  }

  /** End token, or -1. */
  int eos() {
    return eos < 0 || eos >= pieces ? -1 : (int) eos;
  }

  private void piece(ByteBuffer bytes) {
    var text = new String[] {""};
    var score = new float[1];
    var kind = new long[] {TokenList.NORMAL};
    fields(
        bytes,
        (number, type, value, content) -> {
          if (number == 1 && type == LENGTH) {
            text[0] = utf8(content);
          } else if (number == 2 && type == FIXED32) {
            score[0] = Float.intBitsToFloat((int) value);
          } else if (number == 3 && type == VARINT) {
            kind[0] = value;
          }
        });
    if (kind[0] < TokenList.NORMAL || kind[0] > TokenList.BYTE) {
      throw malformed("piece " + pieces + " has the unknown type " + kind[0]);
    }
    tokens.token(pieces++, text[0], (int) kind[0], score[0]);
  }

  private void trainer(int number, int type, long value, ByteBuffer bytes) {
    if (type == VARINT) {
      switch (number) {
        case 3 -> modelType = (int) value;
        case 41 -> bos = (int) value;
        case 42 -> eos = (int) value;
        default -> {}
      }
    }
  }

  private void normalizer(int number, int type, long value, ByteBuffer bytes) {
    if (number == 2 && type == LENGTH && bytes.hasRemaining()) {
      throw unsupported("a normalisation table", "identity");
    }
    if (type == VARINT) {
      switch (number) {
        case 3 -> prefix = value != 0;
        case 4 -> removesExtraSpaces = value != 0;
        case 5 -> {
          if (value == 0) {
            throw unsupported("spaces that are not escaped", "escape_whitespaces");
          }
        }
        default -> {}
      }
    }
  }

  private void fields(ByteBuffer message, Fields fields) {
    ByteBuffer buffer = message.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      long tag = varint(buffer);
      int type = (int) tag & 7;
      long value = 0;
      ByteBuffer bytes = null;
      switch (type) {
        case VARINT -> value = varint(buffer);
        case FIXED64 -> value = require(buffer, 8).getLong();
        case FIXED32 -> value = require(buffer, 4).getInt();
        case LENGTH -> {
          int length = (int) Math.clamp(varint(buffer), -1L, Integer.MAX_VALUE);
          require(buffer, length);
          bytes = buffer.slice(buffer.position(), length);
          buffer.position(buffer.position() + length);
        }
        default -> throw malformed("a field has the unknown wire type " + type);
      }
      fields.take((int) (tag >>> 3), type, value, bytes);
    }
  }

  private ByteBuffer require(ByteBuffer buffer, int bytes) {
    if (bytes < 0 || bytes > buffer.remaining()) {
      throw malformed("a field needs more bytes than its message has");
    }
    return buffer;
  }

  private long varint(ByteBuffer buffer) {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte b = require(buffer, 1).get();
      value |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw malformed("a number has more than 64 bits");
  }

  private String utf8(ByteBuffer bytes) {
    try {
      return UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw malformed("piece " + pieces + " is not valid UTF-8");
    }
  }

  private ModelFormatException malformed(String what) {
    return new ModelFormatException(what, where, ModelFormatException.DAMAGED);
  }

  private ModelFormatException unsupported(String what, String supported) {
    return new ModelFormatException(
        "the SentencePiece model has " + what + ", which is not supported",
        where,
        "Supported is " + supported + "; use another model.");
  }
}
