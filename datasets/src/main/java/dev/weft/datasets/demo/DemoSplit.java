package dev.weft.datasets.demo;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Which side of the split a request is on. The side follows from the request's own text, not from a
 * seed or a file: no request of one side can ever equal one of another, whatever is drawn.
 */
public enum DemoSplit {
  /** What the model learns from: 30 of 32 requests. */
  TRAINING,
  /** What training decisions are taken on: 1 of 32. */
  VALIDATION,
  /** What is shipped and scored: 1 of 32. */
  HELD_OUT;

  /** The side of a request, by the CRC-32 of its UTF-8 text. */
  public static DemoSplit of(DemoTask task, String user) {
    CRC32 crc = new CRC32();
    crc.update((task.name() + "\n" + user).getBytes(StandardCharsets.UTF_8));
    return switch ((int) (crc.getValue() % 32)) {
      case 0 -> HELD_OUT;
      case 1 -> VALIDATION;
      default -> TRAINING;
    };
  }
}
