package dev.weft.jobs.state;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.ledger.Piece;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.store.Storage;
import dev.weft.jobs.store.StorageErrors;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * How far a run is, from a listing of its folder: nothing of the run is disturbed, and no Spark is
 * needed. Null stands for what is not known yet.
 *
 * @param runId the run
 * @param state whether somebody works on it
 * @param createdAt ISO-8601 instant of its first start; null if it has not begun
 * @param starts number of the latest start
 * @param start the latest start
 * @param lastSignSeconds since the latest start gave a sign of life
 * @param totals what there is to do
 * @param results finished answers in the ledger; what was finished twice counts twice
 * @param errors error rows among them
 * @param promptTokens their prompt tokens
 * @param sharedPromptTokens those that were in the KV cache
 * @param outputTokens generated tokens
 * @param resultsPerSecond of the latest start, from its beginning to its last piece
 * @param tokensPerSecond likewise, prompt and output tokens
 * @param lastPieceSeconds since the last piece of the ledger was written
 * @param pieces pieces of finished answers
 * @param tornPieces pieces that do not have their length: torn, or just being written
 */
public record RunStatus(
    String runId,
    State state,
    String createdAt,
    int starts,
    StartInfo start,
    Double lastSignSeconds,
    RunTotals totals,
    long results,
    long errors,
    long promptTokens,
    long sharedPromptTokens,
    long outputTokens,
    Double resultsPerSecond,
    Double tokensPerSecond,
    Double lastPieceSeconds,
    int pieces,
    int tornPieces) {

  /** Whether somebody works on a run. */
  public enum State {
    /** Its process on this machine is alive. */
    RUNNING("running"),
    /** It runs elsewhere and gave a sign of life just now, if the clocks agree. */
    SEEMS_RUNNING("seems to run"),
    /** It runs elsewhere and has been silent, if the clocks agree. */
    SEEMS_STOPPED("seems to have stopped"),
    /** Nobody works on it and it is not complete. */
    STOPPED("stopped"),
    /** Its results are in the table. */
    COMPLETE("complete");

    private final String words;

    State(String words) {
      this.words = words;
    }

    /** The state in words. */
    public String words() {
      return words;
    }
  }

  /** Ids of the runs in an output folder, sorted. */
  public static List<String> runs(String output, Configuration hadoop) {
    try {
      Path folder = RunFolder.runs(new Path(output));
      List<String> ids = new ArrayList<>();
      for (FileStatus run : Storage.of(folder, hadoop).list(folder)) {
        if (run.isDirectory() && RunIds.isValid(run.getPath().getName())) {
          ids.add(run.getPath().getName());
        }
      }
      ids.sort(null);
      return ids;
    } catch (IOException | IllegalArgumentException e) {
      throw StorageErrors.of(output + " cannot be listed", e);
    }
  }

  /**
   * The status of a run.
   *
   * @throws WeftException if there is no such run
   */
  public static RunStatus of(RunFolder folder) {
    try {
      if (folder.storage().status(folder.path()).isEmpty()) {
        throw new WeftException(
            ErrorCode.RUN_UNKNOWN, "there is no run " + folder.runId() + " at " + folder.path());
      }
      return of(folder, new Starts(folder.storage(), folder.starts()));
    } catch (IOException e) {
      throw StorageErrors.of(folder.path() + " cannot be read", e);
    }
  }

  private static RunStatus of(RunFolder folder, Starts starts) throws IOException {
    long now = System.currentTimeMillis();
    Starts.Listing listing = starts.list();
    Starts.Known latest = listing.starts().isEmpty() ? null : listing.starts().getLast();
    Optional<StartInfo> info =
        latest == null ? Optional.empty() : starts.info(latest.number(), latest.id());
    Starts.Beat beat = listing.beats().isEmpty() ? null : listing.beats().getLast();
    Double silence = beat == null ? null : seconds(now - beat.modifiedMillis());
    boolean complete = folder.read(folder.summary(), JsonNode.class).isPresent();
    State state = complete ? State.COMPLETE : State.STOPPED;
    if (beat != null) {
      state = state(starts.info(beat.number(), beat.id()), silence, state);
    }
    long[] sums = new long[5];
    long[] mine = new long[2];
    long last = 0;
    int torn = 0;
    List<Piece> pieces = folder.pieces(PieceName.Kind.RESULTS);
    for (Piece piece : pieces) {
      if (!piece.hasItsLength()) {
        torn++;
        continue;
      }
      PieceName name = piece.name();
      sums[0] += name.rows();
      sums[1] += name.errors();
      sums[2] += name.promptTokens();
      sums[3] += name.sharedTokens();
      sums[4] += name.outputTokens();
      last = Math.max(last, piece.writtenMillis());
      if (latest != null && name.start() == latest.number()) {
        mine[0] += name.rows();
        mine[1] += name.promptTokens() + name.outputTokens();
      }
    }
    double took = latest == null ? 0 : (last - latest.modifiedMillis()) / 1e3;
    boolean rated = mine[0] > 0 && took > 0;
    return new RunStatus(
        folder.runId(),
        state,
        folder.read(folder.manifest(), Manifest.class).map(Manifest::createdAt).orElse(null),
        latest == null ? 0 : latest.number(),
        info.orElse(null),
        silence,
        folder.read(folder.totals(), RunTotals.class).orElse(null),
        sums[0],
        sums[1],
        sums[2],
        sums[3],
        sums[4],
        rated ? mine[0] / took : null,
        rated ? mine[1] / took : null,
        last == 0 ? null : seconds(now - last),
        pieces.size(),
        torn);
  }

  private static State state(Optional<StartInfo> who, double silence, State otherwise) {
    return switch (who.map(Lease::life).orElse(Lease.Life.UNKNOWN)) {
      case ALIVE -> State.RUNNING;
      case DEAD -> otherwise;
      case UNKNOWN ->
          silence * 1e3 < Lease.Times.USUAL.silenceMillis()
              ? State.SEEMS_RUNNING
              : otherwise == State.COMPLETE ? otherwise : State.SEEMS_STOPPED;
    };
  }

  /** The storage's clock may be ahead of this one. */
  private static double seconds(long millis) {
    return Math.max(0, millis) / 1e3;
  }

  /** Whether somebody works on it, as far as can be told. */
  public boolean isRunning() {
    return state == State.RUNNING || state == State.SEEMS_RUNNING;
  }
}
