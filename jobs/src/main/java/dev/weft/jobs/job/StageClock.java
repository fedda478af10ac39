package dev.weft.jobs.job;

import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary.StageTime;
import dev.weft.jobs.run.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Tells the listener of stages and remembers their times. */
final class StageClock {
  private final ProgressListener listener;
  private final List<StageTime> times = new ArrayList<>();
  private final long began = System.nanoTime();

  StageClock(ProgressListener listener) {
    this.listener = listener;
  }

  <T> T time(Stage stage, Supplier<T> work) {
    listener.stageStarted(stage);
    long start = System.nanoTime();
    T result = work.get();
    double seconds = (System.nanoTime() - start) / 1e9;
    times.add(new StageTime(stage.label(), seconds));
    listener.stageFinished(stage, seconds);
    return result;
  }

  void run(Stage stage, Runnable work) {
    time(
        stage,
        () -> {
          work.run();
          return null;
        });
  }

  List<StageTime> times() {
    return List.copyOf(times);
  }

  double totalSeconds() {
    return (System.nanoTime() - began) / 1e9;
  }
}
