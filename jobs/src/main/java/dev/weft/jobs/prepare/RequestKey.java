package dev.weft.jobs.prepare;

import dev.weft.datasets.format.SamplingParams;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The key of a deterministic request: 128 bits of a SHA-256 over its tokens and all parameters that
 * its answer depends on. Not safe for use by several threads.
 */
final class RequestKey {
  private final MessageDigest digest;

  RequestKey() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  String of(int[] tokens, SamplingParams p, int maxTokens) {
    digest.reset();
    ByteBuffer head = ByteBuffer.allocate(96);
    head.putInt(tokens.length).putInt(maxTokens).putInt(p.n()).putInt(p.logprobs());
    head.putDouble(p.repetitionPenalty())
        .putDouble(p.frequencyPenalty())
        .putDouble(p.presencePenalty())
        .putDouble(p.temperature());
    // The most likely token is taken whatever the rest says.
    if (!p.greedy()) {
      head.putDouble(p.topP()).putInt(p.topK()).putDouble(p.minP());
      head.putLong(p.seed().getAsLong());
    }
    head.putInt(p.stop().size());
    digest.update(head.flip());
    for (String stop : p.stop()) {
      byte[] bytes = stop.getBytes(StandardCharsets.UTF_8);
      digest.update(ByteBuffer.allocate(4).putInt(bytes.length).flip());
      digest.update(bytes);
    }
    digest.update(PreparedSchema.encodeTokens(tokens));
    return HexFormat.of().formatHex(digest.digest(), 0, 16);
  }
}
