package dev.weft.jobs.state;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.state.Starts.Beat;
import dev.weft.jobs.store.Storage;
import dev.weft.jobs.store.StorageErrors;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.hadoop.fs.Path;

/**
 * The right of one start to work on a run. Whoever wants it first writes a sign of life of its own,
 * then lists all signs, and steps back if there is another: of two at the same time, at least the
 * one that lists last sees both. This needs no atomic creation from the store, only that a listing
 * shows what was written before.
 *
 * <p>A start on the same machine is dead if its process is. One elsewhere is dead if its sign of
 * life did not change while the newcomer watched, by the newcomer's own monotonic clock: no two
 * clocks are compared, and setting one changes nothing. A start that is wrongly taken for dead,
 * since it was suspended, finds its sign removed and stops; until then both write to the ledger,
 * which costs work and no row.
 */
public final class Lease implements AutoCloseable {
  private static final int TRIES = 20;

  /** Leases of this process: its own pid does not tell whether a start in it has ended. */
  private static final Set<String> HELD_HERE = ConcurrentHashMap.newKeySet();

  /**
   * How often a sign of life is given, and how long it may stay away.
   *
   * @param beatMillis time from beat to beat
   * @param silenceMillis time without a change after which a start counts as dead; several beats
   */
  public record Times(long beatMillis, long silenceMillis) {
    /** Five beats may be lost. */
    public static final Times USUAL = new Times(4_000, 20_000);
  }

  private final Starts starts;
  private final StartInfo info;
  private final Times times;
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile boolean lost;
  private Thread thread;
  private long beats;

  private Lease(Starts starts, StartInfo info, Times times) {
    this.starts = starts;
    this.info = info;
    this.times = times;
  }

  /**
   * Takes the run.
   *
   * @param tell hears what is waited for
   * @throws WeftException of code {@code RUN_ACTIVE} if another start is alive
   */
  public static Lease take(RunFolder folder, Times times, Consumer<String> tell) {
    return take(folder.storage(), folder.starts(), times, tell);
  }

  static Lease take(Storage storage, Path folder, Times times, Consumer<String> tell) {
    Starts starts = new Starts(storage, folder);
    try {
      for (int i = 0; i < TRIES; i++) {
        Starts.Listing before = starts.list();
        Set<String> dead = bury(starts, before.beats(), times, tell);
        String id = UUID.randomUUID().toString().replace("-", "").substring(0, 12);
        StartInfo info = StartInfo.here(before.highest() + 1, id, Instant.now().toString());
        Lease lease = new Lease(starts, info, times);
        HELD_HERE.add(id);
        try {
          starts.write(info);
          starts.beat(info, lease.beats++);
          if (lease.isAlone(dead)) {
            lease.begin();
            return lease;
          }
        } catch (IOException | RuntimeException | Error e) {
          lease.withdraw();
          throw e;
        }
        lease.withdraw();
        Thread.sleep(ThreadLocalRandom.current().nextLong(10 + times.beatMillis / 4));
      }
      throw new WeftException(ErrorCode.RUN_ACTIVE, "other starts of this run keep beginning");
    } catch (IOException e) {
      throw StorageErrors.of("the starts of the run cannot be read or written", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WeftException(ErrorCode.RUN_ACTIVE, "interrupted while waiting for the run", e);
    }
  }

  private boolean isAlone(Set<String> dead) throws IOException {
    for (Beat other : starts.list().beats()) {
      if (!other.id().equals(info.id()) && !dead.contains(other.id())) {
        return false;
      }
    }
    return true;
  }

  /** Removes the signs of starts that are dead, and returns their ids. */
  private static Set<String> bury(
      Starts starts, List<Beat> beats, Times times, Consumer<String> tell)
      throws IOException, InterruptedException {
    Set<String> dead = new HashSet<>();
    Map<String, Beat> doubtful = new HashMap<>();
    for (Beat beat : beats) {
      Optional<StartInfo> who = starts.info(beat.number(), beat.id());
      Life life = who.map(Lease::life).orElse(Life.UNKNOWN);
      if (life == Life.ALIVE) {
        throw active(who.get());
      }
      if (life == Life.UNKNOWN) {
        doubtful.put(beat.id(), beat);
        tell.accept(
            "watching for %d s whether start %d%s is alive"
                .formatted(
                    TimeUnit.MILLISECONDS.toSeconds(times.silenceMillis),
                    beat.number(),
                    who.map(w -> " on " + w.host()).orElse("")));
      }
      dead.add(beat.id());
    }
    watch(starts, doubtful, times);
    for (Beat beat : beats) {
      starts.removeBeat(beat.number(), beat.id());
    }
    return dead;
  }

  private static void watch(Starts starts, Map<String, Beat> doubtful, Times times)
      throws IOException, InterruptedException {
    long began = System.nanoTime();
    while (!doubtful.isEmpty()
        && System.nanoTime() - began < TimeUnit.MILLISECONDS.toNanos(times.silenceMillis)) {
      Thread.sleep(Math.max(1, times.beatMillis / 4));
      Map<String, Beat> now = new HashMap<>();
      starts.list().beats().forEach(beat -> now.put(beat.id(), beat));
      doubtful.keySet().retainAll(now.keySet());
      for (Beat before : doubtful.values()) {
        if (!before.equals(now.get(before.id()))) {
          throw active(starts.info(before.number(), before.id()).orElse(null));
        }
      }
    }
  }

  /** What can be said of a start that has given a sign of life. */
  enum Life {
    ALIVE,
    DEAD,
    UNKNOWN
  }

  /** What this machine knows of a start without waiting. */
  static Life life(StartInfo start) {
    if (!start.isHere()) {
      return Life.UNKNOWN;
    }
    boolean lives = start.isThisProcess() ? HELD_HERE.contains(start.id()) : start.lives();
    return lives ? Life.ALIVE : Life.DEAD;
  }

  private static WeftException active(StartInfo who) {
    return new WeftException(
        ErrorCode.RUN_ACTIVE,
        who == null
            ? "another start of this run is alive"
            : "start %d of this run is alive: process %d on %s, since %s"
                .formatted(who.number(), who.pid(), who.host(), who.startedAt()));
  }

  private void begin() {
    thread = Thread.ofPlatform().daemon(true).name("weft-lease").start(this::beat);
  }

  private void beat() {
    try {
      while (!closed.await(times.beatMillis, TimeUnit.MILLISECONDS)) {
        try {
          if (!starts.hasBeat(info)) {
            lost = true;
            return;
          }
          starts.beat(info, beats++);
        } catch (IOException e) {
          // Storage that fails in passing: others wait for several beats before they take over.
          continue;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Number of this start: 1 for the first of the run. */
  public int start() {
    return info.number();
  }

  /** Unique among all starts ever; fit for the name of a file. */
  public String id() {
    return info.id();
  }

  /**
   * Checks that no other start has taken over.
   *
   * @throws WeftException if one has
   */
  public void requireHeld() {
    try {
      if (lost || !starts.hasBeat(info)) {
        lost = true;
        throw new WeftException(
            ErrorCode.RUN_ACTIVE,
            "another start took this run for dead and goes on with it, or its folder was removed");
      }
    } catch (IOException e) {
      throw StorageErrors.of("the run's sign of life cannot be read", e);
    }
  }

  /** Gives the run back; the start stays counted. */
  @Override
  public void close() {
    if (stop()) {
      try {
        starts.removeBeat(info.number(), info.id());
      } catch (IOException e) {
        // The next start sees that this process is gone, or that the sign does not change.
        return;
      }
    }
  }

  /** Gives the run back as if it had not been taken. */
  public void withdraw() {
    if (stop()) {
      try {
        starts.remove(info);
      } catch (IOException e) {
        return;
      }
    }
  }

  /** Stops giving signs of life without a word, as when the process dies. */
  void abandon() {
    stop();
  }

  private boolean stop() {
    closed.countDown();
    if (thread != null) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return HELD_HERE.remove(info.id());
  }
}
