package dev.weft.benchmarks.fuzz;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.random.RandomGenerator;

/** Some of its cases do what no reader may. */
public final class MisbehavingTarget implements FuzzTarget {
  static final int KINDS = 20;

  @Override
  public String name() {
    return "misbehaving";
  }

  @Override
  public Input next(RandomGenerator random) {
    return new Case(random.nextInt(KINDS));
  }

  private record Case(int kind) implements Input {
    @Override
    public long bytes() {
      return 8;
    }

    @Override
    public void read() {
      switch (kind) {
        case 0 -> Runtime.getRuntime().halt(9);
        case 1 -> {
          // Time of the processor is what counts: on a busy machine it takes longer to spend.
          ThreadMXBean threads = ManagementFactory.getThreadMXBean();
          long end = threads.getCurrentThreadCpuTime() + 3 * Finding.MAX_NANOS / 2;
          while (threads.getCurrentThreadCpuTime() < end) {
            Thread.onSpinWait();
          }
        }
        case 2 -> {
          if (new byte[100 << 20].length == 0) {
            throw new AssertionError();
          }
        }
        case 3 -> throw new UnsupportedOperationException("not documented");
        default -> throw new IllegalArgumentException("documented");
      }
    }

    @Override
    public boolean documents(Throwable e) {
      return e instanceof IllegalArgumentException;
    }

    @Override
    public byte[] dump() {
      return Integer.toString(kind).getBytes(US_ASCII);
    }
  }
}
