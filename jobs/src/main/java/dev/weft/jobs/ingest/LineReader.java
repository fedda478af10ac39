package dev.weft.jobs.ingest;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Cuts a stream into lines without ever holding more of a line than the limit. Line ends are {@code
 * \n} or {@code \r\n}.
 */
final class LineReader {
  private final InputStream in;
  private final int maxLineBytes;
  private final byte[] buffer = new byte[1 << 16];
  private int position;
  private int filled;
  private long consumed;

  private byte[] line = new byte[1 << 12];
  private int length;
  private long fullLength;

  LineReader(InputStream in, int maxLineBytes) {
    this.in = in;
    this.maxLineBytes = maxLineBytes;
  }

  /** Bytes taken from the stream so far, line ends included. */
  long consumed() {
    return consumed;
  }

  /** The current line; only the first {@link #length} bytes count. */
  byte[] line() {
    return line;
  }

  /** Length of the current line, or of what is kept of it. */
  int length() {
    return length;
  }

  /**
   * True if the current line is longer than the limit; then {@link #line} does not hold all of it.
   */
  boolean tooLong() {
    return fullLength > maxLineBytes;
  }

  /** Bytes of the current line, whether kept or not. */
  long fullLength() {
    return fullLength;
  }

  /** Moves to the next line; false at the end of the stream. */
  boolean next() throws IOException {
    length = 0;
    fullLength = 0;
    boolean any = false;
    while (true) {
      if (position == filled && !fill()) {
        return any;
      }
      any = true;
      int end = position;
      while (end < filled && buffer[end] != '\n') {
        end++;
      }
      keep(end - position);
      boolean lineEnds = end < filled;
      int taken = end - position + (lineEnds ? 1 : 0);
      consumed += taken;
      position += taken;
      if (lineEnds) {
        if (length > 0 && line[length - 1] == '\r' && fullLength == length) {
          length--;
          fullLength--;
        }
        return true;
      }
    }
  }

  private void keep(int count) {
    fullLength += count;
    int room = maxLineBytes + 1 - length;
    int kept = Math.min(count, Math.max(0, room));
    if (length + kept > line.length) {
      line =
          Arrays.copyOf(
              line, Math.max(length + kept, (int) Math.min(2L * line.length, maxLineBytes + 1L)));
    }
    System.arraycopy(buffer, position, line, length, kept);
    length += kept;
  }

  private boolean fill() throws IOException {
    position = 0;
    filled = Math.max(0, in.read(buffer, 0, buffer.length));
    return filled > 0;
  }
}
