package dev.weft.kernels.engine;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleConsumer;

/**
 * Notices a step that does not end. Time counts only while this thread runs too: a process that was
 * stopped, or a machine that slept, is not a hung engine.
 */
final class StepWatchdog implements AutoCloseable {
  /** A step may take this many times what was predicted. */
  private static final double PREDICTED_FACTOR = 100;

  private final EngineLoop loop;
  private final double floorSeconds;
  private final DoubleConsumer onHang;
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * @param floorSeconds least time that a step may take
   * @param onHang hears once how long the step has taken
   */
  StepWatchdog(EngineLoop loop, double floorSeconds, DoubleConsumer onHang) {
    this.loop = loop;
    this.floorSeconds = floorSeconds;
    this.onHang = onHang;
  }

  void start(String name) {
    Thread.ofPlatform().daemon(true).name(name).start(this::watch);
  }

  private void watch() {
    long periodMillis = Math.clamp((long) (floorSeconds * 1000 / 20), 20, 1000);
    long watched = 0;
    double seconds = 0;
    try {
      while (!closed.await(periodMillis, TimeUnit.MILLISECONDS)) {
        long step = loop.computing();
        if (step == 0 || step != watched) {
          watched = step;
          seconds = 0;
          continue;
        }
        seconds += periodMillis / 1000.0;
        double predicted = loop.predictedSeconds();
        double allowed =
            Double.isNaN(predicted)
                ? floorSeconds
                : Math.max(floorSeconds, PREDICTED_FACTOR * predicted);
        if (seconds >= allowed) {
          onHang.accept(seconds);
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
