package dev.weft.jobs.ledger;

import java.io.Serializable;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a ledger piece. It carries what progress needs, so that a listing of the folder is
 * enough, and the checksum of the content.
 *
 * @param kind what the piece holds
 * @param start number of the job's start that wrote it
 * @param taskAttempt attempt id of the task that wrote it, unique within a start
 * @param sequence number of the piece within the task
 * @param rows rows in it
 * @param promptTokens prompt tokens of its rows, shared ones included; 0 for steps
 * @param sharedTokens prompt tokens that were in the KV cache
 * @param outputTokens generated tokens
 * @param crc32c checksum of the file
 */
public record PieceName(
    Kind kind,
    int start,
    long taskAttempt,
    int sequence,
    long rows,
    long promptTokens,
    long sharedTokens,
    long outputTokens,
    int crc32c)
    implements Serializable {

  /** What a piece holds. */
  public enum Kind {
    /** Finished requests, an Arrow stream of {@code ResultSchema}. */
    RESULTS,
    /** Engine steps, an Arrow stream of {@code StepSchema}. */
    STEPS
  }

  private static final Pattern PATTERN =
      Pattern.compile(
          "(results|steps)-s(\\d{1,9})-t(\\d{1,18})-(\\d{1,9})-r(\\d{1,18})-p(\\d{1,18})-c(\\d{1,18})-o(\\d{1,18})-([0-9a-f]{8})\\.arrow");

  /** The file's name. */
  public String fileName() {
    return "%s-s%d-t%d-%d-r%d-p%d-c%d-o%d-%08x.arrow"
        .formatted(
            kind.name().toLowerCase(Locale.ROOT),
            start,
            taskAttempt,
            sequence,
            rows,
            promptTokens,
            sharedTokens,
            outputTokens,
            crc32c);
  }

  /** Reads a file's name; empty if it is not that of a piece. */
  public static Optional<PieceName> parse(String fileName) {
    Matcher m = PATTERN.matcher(fileName);
    if (!m.matches()) {
      return Optional.empty();
    }
    return Optional.of(
        new PieceName(
            Kind.valueOf(m.group(1).toUpperCase(Locale.ROOT)),
            Integer.parseInt(m.group(2)),
            Long.parseLong(m.group(3)),
            Integer.parseInt(m.group(4)),
            Long.parseLong(m.group(5)),
            Long.parseLong(m.group(6)),
            Long.parseLong(m.group(7)),
            Long.parseLong(m.group(8)),
            Integer.parseUnsignedInt(m.group(9), 16)));
  }
}
