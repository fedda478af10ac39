package dev.weft.datasets.demo;

import java.util.List;
import java.util.Random;

/**
 * A kind of demo request. All requests of a task share its instructions word for word; only the
 * user text differs.
 */
public sealed interface DemoTask
    permits TriageTask, ReviewTask, NormaliseTask, ExtractTask, PackingTask, RecordTask {

  /** Every task, in the order in which the generator knows them. */
  static List<DemoTask> all() {
    return List.of(
        new TriageTask(),
        new ReviewTask(),
        new NormaliseTask(),
        new ExtractTask(),
        new PackingTask(),
        new RecordTask());
  }

  /** Short lower-case name, as it stands in {@code expected.jsonl} and in reports. */
  String name();

  /** The system message, the same for every request of the task. */
  String instructions();

  /** {@code max_tokens} of every request of the task; above the longest right answer. */
  int maxTokens();

  /** How often the task comes, in percent of all requests. */
  int sharePercent();

  /** Draws a request and its answer; the same state of {@code random} gives the same example. */
  DemoExample draw(Random random);
}
