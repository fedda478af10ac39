package dev.weft.jobs.infer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.jobs.error.WeftException;
import org.apache.spark.SparkConf;
import org.apache.spark.resource.ResourceProfile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineSlotsTest {
  private static SparkConf conf(int cores, int gpus) {
    SparkConf conf = new SparkConf(false).set("spark.executor.cores", "" + cores);
    return gpus == 0 ? conf : conf.set("spark.executor.resource.gpu.amount", "" + gpus);
  }

  private static double gpusOfTask(ResourceProfile profile) {
    return profile.taskResourcesJMap().get("gpu").amount();
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1, 1", "4, 1, 1, 4", "4, 2, 2, 2", "5, 2, 2, 3", "2, 4, 2, 1"})
  void tasksShareGpusSoThatAllCoresWork(int cores, int gpus, int engines, int tasks) {
    EngineSlots slots = EngineSlots.of(conf(cores, gpus), false, true);
    assertThat(slots.engines()).isEqualTo(engines);
    assertThat(slots.tasks()).isEqualTo(tasks);
    assertThat(gpusOfTask(slots.profile().orElseThrow())).isEqualTo(1.0 / tasks);
  }

  @Test
  void withoutGpusThereIsOneEngine() {
    EngineSlots slots = EngineSlots.of(conf(4, 0).set("spark.task.cpus", "2"), false, false);
    assertThat(slots).isEqualTo(new EngineSlots(1, 2, 0, slots.profile()));
    assertThat(slots.profile()).isEmpty();
    assertThat(EngineSlots.of(conf(4, 2), true, true).gpus()).as("in the driver").isZero();
  }

  @ParameterizedTest
  @CsvSource({"1, 4, 1", "0.5, 4, 1", "0.25, 1, 4", "2, 2, 1"})
  void whatTheSessionSaysOfTasksGoesFirst(double amount, int gpus, int tasks) {
    SparkConf conf = conf(4, gpus).set("spark.task.resource.gpu.amount", "" + amount);
    EngineSlots slots = EngineSlots.of(conf, false, true);
    assertThat(slots.profile()).isEmpty();
    assertThat(slots.tasks()).isEqualTo(tasks);
    assertThat(slots.engines()).isEqualTo((int) (gpus / Math.max(1, amount)));
  }

  @Test
  void dynamicAllocationNeedsTheSessionsOwnAmount() {
    SparkConf conf = conf(4, 1).set("spark.dynamicAllocation.enabled", "true");
    assertThatThrownBy(() -> EngineSlots.of(conf, false, true))
        .isInstanceOf(WeftException.class)
        .hasMessageContaining("spark.task.resource.gpu.amount");
    assertThat(EngineSlots.of(conf, false, false).profile()).isEmpty();
    assertThat(
            EngineSlots.of(conf.set("spark.task.resource.gpu.amount", "0.5"), false, true).tasks())
        .isEqualTo(2);
  }
}
