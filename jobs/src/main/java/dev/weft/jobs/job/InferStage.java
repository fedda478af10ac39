package dev.weft.jobs.job;

import dev.weft.batching.cost.PowerModel;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.infer.EngineSlots;
import dev.weft.jobs.infer.EngineSpec;
import dev.weft.jobs.infer.InferTask;
import dev.weft.jobs.infer.LiveCounts;
import dev.weft.jobs.infer.PartitionReport;
import dev.weft.jobs.infer.PlannedRows;
import dev.weft.jobs.plan.PlannedWork;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary.PartitionTime;
import dev.weft.jobs.state.RunFolder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;

/** Runs assignments on the executors and keeps what they report. */
final class InferStage {
  private final SparkSession spark;
  private final EngineSlots slots;
  private final WeftConfig config;
  private final RunFolder folder;
  private final int start;
  private final ProgressListener listener;
  private final String liveKey;
  private final List<PartitionReport> reports = new ArrayList<>();
  private final List<PartitionTime> times = new ArrayList<>();
  private List<PartitionReport> latest = List.of();
  private double seconds;
  private long results;

  InferStage(
      SparkSession spark,
      EngineSlots slots,
      WeftConfig config,
      RunFolder folder,
      int start,
      ProgressListener listener) {
    this.spark = spark;
    this.slots = slots;
    this.config = config;
    this.folder = folder;
    this.start = start;
    this.listener = listener;
    this.liveKey = folder.path() + "#" + start;
  }

  /**
   * Runs what is assigned; returns when all of it is in the ledger.
   *
   * @param work rows of {@link PlannedRows#ASSIGNMENT_TYPE} and what the plan promises
   * @param doneBefore results in the ledger before this start
   * @param total results of the whole run
   */
  void run(
      Dataset<Row> prepared, PlannedWork work, EngineSpec engine, long doneBefore, long total) {
    InferTask task =
        new InferTask(
            engine,
            folder.ledger().toString(),
            start,
            config.ledger().pieceRows(),
            config.ledger().pieceSeconds(),
            liveKey,
            new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
    long began = System.nanoTime();
    ProgressWatch watch =
        new ProgressWatch(folder, start, LiveCounts.of(liveKey), doneBefore, total, listener);
    try {
      latest =
          slots
              .on(
                  PlannedRows.of(prepared, work.assigned(), work.partitions().size())
                      .mapPartitionsWithIndex(task, false))
              .collect();
    } finally {
      watch.close();
      seconds += (System.nanoTime() - began) / 1e9;
    }
    reports.addAll(latest);
    latest.forEach(report -> results += report.results());
  }

  /** Reports of all partitions of this start. */
  List<PartitionReport> reports() {
    return List.copyOf(reports);
  }

  /**
   * Says what the plan promised for the partitions of what ran last.
   *
   * @param work what ran last
   */
  void predicted(PlannedWork work) {
    for (PartitionReport report : latest) {
      int p = report.partition();
      times.add(
          new PartitionTime(
              p, work.partitions().get(p).size(), work.seconds().get(p), report.seconds()));
    }
    times.sort(Comparator.comparingInt(PartitionTime::partition));
  }

  /** Predicted and real times of the partitions of the main assignment. */
  List<PartitionTime> times() {
    return List.copyOf(times);
  }

  /** Mean power of what ran so far in this start. */
  PowerModel power() {
    if (reports.isEmpty() || seconds == 0) {
      return PowerModel.UNKNOWN;
    }
    double joules = EngineFacts.of(reports, folder).energyJoules();
    return joules > 0
        ? PowerModel.constant(joules / seconds, "mean power of the sample")
        : PowerModel.UNKNOWN;
  }

  /** Wall time of inference in this start. */
  double seconds() {
    return seconds;
  }

  /** Results written in this start. */
  long results() {
    return results;
  }

  /** Forgets the counts of this start. */
  void end() {
    LiveCounts.drop(liveKey);
  }
}
