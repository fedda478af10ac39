package dev.weft.jobs.plan;

import dev.weft.batching.plan.Partition;
import dev.weft.jobs.infer.PlannedRows;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Requests with the partitions they run in.
 *
 * @param assigned rows of {@link PlannedRows#ASSIGNMENT_TYPE}
 * @param partitions what is promised of each partition
 * @param seconds predicted of each partition
 */
public record PlannedWork(Dataset<Row> assigned, List<Partition> partitions, List<Double> seconds) {
  public PlannedWork {
    partitions = List.copyOf(partitions);
    seconds = List.copyOf(seconds);
    if (seconds.size() != partitions.size()) {
      throw new IllegalArgumentException(
          partitions.size() + " partitions, but the seconds of " + seconds.size());
    }
  }
}
