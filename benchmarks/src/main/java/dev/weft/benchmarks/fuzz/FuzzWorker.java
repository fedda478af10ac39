package dev.weft.benchmarks.fuzz;

import com.sun.management.ThreadMXBean;
import dev.weft.benchmarks.fuzz.Finding.Kind;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Runs cases in a process of its own, whose death is a finding of its parent. The number of the
 * case at hand stands in a mapped file, which survives.
 *
 * <pre>FuzzWorker TARGET SEED FIRST END PROGRESS_FILE</pre>
 */
final class FuzzWorker {
  static final int HUNG = 86;
  static final int UNKNOWN = 87;
  private static final long GIVE_UP_NANOS = 8 * Finding.MAX_NANOS;
  private static final long SLACK_BYTES = 64L << 20;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private volatile long number = -1;
  private volatile long startNanos;

  private FuzzWorker() {}

  public static void main(String[] args) throws Exception {
    FuzzTarget opened;
    try {
      opened = FuzzTargets.open(args[0]);
    } catch (Exception e) {
      System.out.println("the input " + args[0] + " cannot be made: " + e);
      System.exit(UNKNOWN);
      return;
    }
    try (FuzzTarget target = opened) {
      new FuzzWorker()
          .run(
              target,
              Long.parseLong(args[1]),
              Long.parseLong(args[2]),
              Long.parseLong(args[3]),
              Path.of(args[4]));
    }
  }

  /** Bytes that reading an input may take. */
  static long bound(long inputBytes) {
    return 4 * inputBytes + SLACK_BYTES;
  }

  /** The random numbers of one case. */
  static RandomGenerator random(String target, long seed, long number) {
    return new SplittableRandom(
        seed * 0x9E3779B97F4A7C15L + number * 0xD1342543DE82EF95L + target.hashCode());
  }

  private void run(FuzzTarget target, long seed, long first, long end, Path progressFile)
      throws Exception {
    MappedByteBuffer progress = progress(progressFile);
    Thread runner = Thread.currentThread();
    Thread.ofPlatform().daemon().name("watch").start(() -> watch(runner));
    for (long i = first; i < end; i++) {
      progress.putLong(0, i);
      FuzzTarget.Input input = target.next(random(target.name(), seed, i));
      long before = THREADS.getCurrentThreadAllocatedBytes();
      long cpuBefore = THREADS.getCurrentThreadCpuTime();
      startNanos = System.nanoTime();
      number = i;
      Finding finding = read(input, i);
      // Time of the processor: others may be at work on this machine.
      long nanos = THREADS.getCurrentThreadCpuTime() - cpuBefore;
      number = -1;
      long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      if (finding == null && nanos > Finding.MAX_NANOS) {
        finding = new Finding(Kind.HANG, "ended after " + nanos / 1_000_000 + " ms", i);
      }
      if (finding == null && allocated > bound(input.bytes())) {
        System.out.println("suspect\t" + i + "\t" + input.bytes());
      }
      if (finding != null) {
        System.out.println(finding.line());
      }
    }
    progress.putLong(0, end);
  }

  /** Reads one input; null if nothing is wrong with how it ended. */
  static Finding read(FuzzTarget.Input input, long number) {
    try {
      input.read();
      return null;
    } catch (Throwable e) {
      return input.documents(e) ? null : new Finding(Kind.UNCAUGHT, Finding.where(e), number);
    }
  }

  private static MappedByteBuffer progress(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, 8);
    }
  }

  /** Ends the process where a case does not end. */
  private void watch(Thread runner) {
    while (true) {
      long watched = number;
      long since = startNanos;
      if (watched >= 0 && number == watched && System.nanoTime() - since > GIVE_UP_NANOS) {
        String frames = Finding.frames(runner.getStackTrace());
        System.out.println(new Finding(Kind.HANG, "does not end:" + frames, watched).line());
        System.out.flush();
        Runtime.getRuntime().halt(HUNG);
      }
      try {
        Thread.sleep(200);
      } catch (InterruptedException e) {
        return;
      }
    }
  }
}
