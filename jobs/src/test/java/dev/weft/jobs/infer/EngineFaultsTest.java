package dev.weft.jobs.infer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.weft.batching.cost.ModelShape;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.kernels.engine.EngineException;
import dev.weft.kernels.memory.MemoryBudgetException;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Engines that do not open, or fail while rates are measured, stop the job by name. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class EngineFaultsTest {
  private static final ModelShape SHAPE = new ModelShape(1_000_000, 4, 64, 64, 4, 4, 1_000);

  private final Configuration hadoop = new Configuration();

  @AfterEach
  void noFault() {
    FaultyBackend.fault = FaultyBackend.Fault.NONE;
    FaultyBackend.poison = -1;
    EnginePool.closeUnused();
  }

  private static WeftException stops(ThrowingCallable work) {
    return catchThrowableOfType(WeftException.class, work);
  }

  @Test
  void everyKindOfErrorHasItsCode() {
    assertThat(EngineFaults.code(new MemoryBudgetException("the GPU is full")))
        .isEqualTo(ErrorCode.MEMORY_TOO_SMALL);
    assertThat(EngineFaults.code(new OutOfMemoryError())).isEqualTo(ErrorCode.MEMORY_TOO_SMALL);
    assertThat(EngineFaults.code(new IllegalStateException("the GPU is gone")))
        .isEqualTo(ErrorCode.ENGINE_BROKEN);
    for (EngineException.Kind kind : EngineException.Kind.values()) {
      assertThat(EngineFaults.code(new EngineException(kind, "", null, new long[0])))
          .isEqualTo(
              switch (kind) {
                case REFUSED, FAILED -> ErrorCode.ENGINE_BROKEN;
                case OUT_OF_MEMORY -> ErrorCode.MEMORY_TOO_SMALL;
                case HUNG -> ErrorCode.ENGINE_HUNG;
              });
    }
  }

  @Test
  void aFaultWhileRatesAreMeasuredIsNamed() throws Exception {
    EngineSpec spec = TaskFixture.spec("faulty", 3, 60);
    FaultyBackend.poison = FaultyBackend.ANY;
    FaultyBackend.fault = FaultyBackend.Fault.THROW;
    WeftException stopped = stops(() -> RateProbe.measure(spec, SHAPE, 1, hadoop));
    assertThat(stopped.code()).isEqualTo(ErrorCode.ENGINE_BROKEN);
    assertThat(stopped).hasMessageContainingAll("backend faulty, device 0", "poison");
  }

  /** It is no lack of memory, whatever the hint for that would say. */
  @Test
  void aBackendThatIsNotThereIsNotTakenForALackOfMemory() throws Exception {
    EngineSpec spec = TaskFixture.spec("nowhere", 3, 60);
    WeftException stopped = stops(() -> EnginePool.acquire(spec, hadoop));
    assertThat(stopped.code()).isEqualTo(ErrorCode.ENGINE_BROKEN);
    assertThat(stopped).hasMessageContainingAll("device 0", "unknown backend nowhere");
  }

  @Test
  void tooSmallACacheIsALackOfMemory() throws Exception {
    EngineSpec s = TaskFixture.spec("scalar", 3, 60);
    EngineSpec small =
        new EngineSpec(
            s.model(),
            s.backend(),
            s.device(),
            s.threads(),
            1,
            s.kvFormat(),
            s.tensorCores(),
            s.cudaGraphs(),
            s.pageTokens(),
            s.contextTokens(),
            s.budgetTokens(),
            s.maxSequences(),
            s.stepMetricsEvery(),
            s.jobSeed(),
            s.tries(),
            s.stepTimeoutSeconds(),
            s.drainSeconds(),
            s.tuningFolder(),
            s.costModelJson());
    WeftException stopped = stops(() -> EnginePool.acquire(small, hadoop));
    assertThat(stopped.code()).isEqualTo(ErrorCode.MEMORY_TOO_SMALL);
    assertThat(stopped).hasMessageContaining("less than two pages");
  }
}
