package dev.weft.kernels.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerPoolTest {
  @Test
  void everyChunkRunsOnceInThousandsOfJobs() {
    try (var pool = new WorkerPool("test", 4)) {
      for (int round = 0; round < 20_000; round++) {
        int count = round % 17;
        var runs = new AtomicIntegerArray(17);
        pool.forEach(count, (chunk, worker) -> runs.incrementAndGet(chunk));
        for (int chunk = 0; chunk < 17; chunk++) {
          assertThat(runs.get(chunk)).isEqualTo(chunk < count ? 1 : 0);
        }
      }
    }
  }

  @Test
  void everyOneOfManyAlikeRunsOnce() {
    try (var pool = new WorkerPool("test", 4)) {
      for (int round = 0; round < 5_000; round++) {
        int count = round % 203;
        var runs = new AtomicIntegerArray(203);
        pool.forEachAlike(count, (chunk, worker) -> runs.incrementAndGet(chunk));
        for (int chunk = 0; chunk < 203; chunk++) {
          assertThat(runs.get(chunk)).isEqualTo(chunk < count ? 1 : 0);
        }
      }
    }
  }

  @Test
  void aFailureAmongManyAlikeReachesTheCaller() {
    try (var pool = new WorkerPool("test", 2)) {
      assertThatThrownBy(
              () ->
                  pool.forEachAlike(
                      100,
                      (chunk, worker) -> {
                        if (chunk == 1) {
                          throw new IllegalArgumentException("chunk one");
                        }
                      }))
          .hasMessageContaining("chunk one");
      var runs = new AtomicIntegerArray(1);
      pool.forEachAlike(100, (chunk, worker) -> runs.incrementAndGet(0));
      assertThat(runs.get(0)).isEqualTo(100);
    }
  }

  @Test
  void sleepingHelpersTakeUpWorkAgain() throws Exception {
    try (var pool = new WorkerPool("test", 3)) {
      for (int round = 0; round < 5; round++) {
        Thread.sleep(5);
        var runs = new AtomicIntegerArray(3);
        pool.forEach(100, (chunk, worker) -> runs.incrementAndGet(worker));
        assertThat(runs.get(0) + runs.get(1) + runs.get(2)).isEqualTo(100);
      }
    }
  }

  @Test
  void aFailureReachesTheCallerAndThePoolGoesOn() {
    try (var pool = new WorkerPool("test", 2)) {
      assertThatThrownBy(
              () ->
                  pool.forEach(
                      8,
                      (chunk, worker) -> {
                        if (chunk == 5) {
                          throw new IllegalArgumentException("chunk five");
                        }
                      }))
          .hasMessageContaining("chunk five");
      var runs = new AtomicIntegerArray(1);
      pool.forEach(8, (chunk, worker) -> runs.incrementAndGet(0));
      assertThat(runs.get(0)).isEqualTo(8);
    }
  }
}
