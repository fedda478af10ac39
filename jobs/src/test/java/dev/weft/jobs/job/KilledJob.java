package dev.weft.jobs.job;

import dev.weft.jobs.run.ProgressListener;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A job in a process of its own, for {@link ResumeTest} to kill. */
final class KilledJob {
  private KilledJob() {}

  /** Arguments: folder, input, then keys and values by turns. */
  public static void main(String[] args) {
    Map<String, String> more = new HashMap<>();
    for (int i = 2; i < args.length; i += 2) {
      more.put(args[i], args[i + 1]);
    }
    WeftJob.run(
        TestSpark.session(),
        JobFixture.config(Path.of(args[0]), args[1], more),
        ProgressListener.none());
  }
}
