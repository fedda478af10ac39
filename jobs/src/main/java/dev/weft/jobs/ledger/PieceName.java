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
 * @param partition partition of the task that wrote it
 * @param taskAttempt attempt id of that task, unique within a start
 * @param sequence number of the piece within the task
 * @param rows rows in it
 * @param errors rows among them that are errors; 0 for steps
 * @param promptTokens prompt tokens of its rows, shared ones included; 0 for steps
 * @param sharedTokens prompt tokens that were in the KV cache
 * @param outputTokens generated tokens
 * @param bytes length of the file; a piece of another length is not whole
 * @param crc32c checksum of the file
 */
public record PieceName(
    Kind kind,
    int start,
    int partition,
    long taskAttempt,
    int sequence,
    long rows,
    long errors,
    long promptTokens,
    long sharedTokens,
    long outputTokens,
    int bytes,
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
          "(results|steps)-s(\\d{1,9})-k(\\d{1,9})-t(\\d{1,18})-(\\d{1,9})"
              + "-r(\\d{1,18})-e(\\d{1,18})-p(\\d{1,18})-c(\\d{1,18})-o(\\d{1,18})"
              + "-b(\\d{1,9})-([0-9a-f]{8})\\.arrow");

  /** The file's name. */
  public String fileName() {
    return "%s-s%d-k%d-t%d-%d-r%d-e%d-p%d-c%d-o%d-b%d-%08x.arrow"
        .formatted(
            kind.name().toLowerCase(Locale.ROOT),
            start,
            partition,
            taskAttempt,
            sequence,
            rows,
            errors,
            promptTokens,
            sharedTokens,
            outputTokens,
            bytes,
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
            Integer.parseInt(m.group(3)),
            Long.parseLong(m.group(4)),
            Integer.parseInt(m.group(5)),
            Long.parseLong(m.group(6)),
            Long.parseLong(m.group(7)),
            Long.parseLong(m.group(8)),
            Long.parseLong(m.group(9)),
            Long.parseLong(m.group(10)),
            Integer.parseInt(m.group(11)),
            Integer.parseUnsignedInt(m.group(12), 16)));
  }
}
