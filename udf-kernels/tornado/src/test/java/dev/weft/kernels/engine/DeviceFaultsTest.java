package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.weft.kernels.backend.tornado.FailingDevice;
import dev.weft.kernels.energy.EnergyConfig;
import dev.weft.kernels.energy.EnergyMeters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import uk.ac.manchester.tornado.api.exceptions.TornadoOutOfMemoryException;
import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;

/** What becomes of requests when the device fails: they are answered, or handed back by name. */
@Timeout(600)
class DeviceFaultsTest {
  private static final int REQUESTS = 12;

  @TempDir static Path folder;
  private static Path model;
  private static Map<Long, String> undisturbed;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    model = TinyModel.write(folder);
    try (Engine engine = open(new FailingDevice(_ -> null))) {
      undisturbed = answers(EngineRuns.run(engine, requests(), 7).results());
    }
    assertThat(undisturbed).hasSize(REQUESTS);
  }

  private static Engine open(FailingDevice device) {
    EngineConfig config =
        EngineConfig.builder(model)
            .backend("tornado")
            .threads(1)
            .kvBudgetBytes(1 << 20)
            .budgetTokens(32)
            .maxSequences(5)
            .build();
    return BatchingEngine.open(config, EnergyMeters.detect(EnergyConfig.ofCpu()), device);
  }

  private static List<TestRequest> requests() {
    List<TestRequest> requests = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      String prompt = "a prefix that is longer than one page. request ".substring(i % 3) + i;
      requests.add(TestRequest.greedy(i, TinyModel.tokens(prompt)).maxTokens(4 + i % 5));
    }
    return requests;
  }

  private static Map<Long, String> answers(List<TestResult> results) {
    Map<Long, String> answers = new HashMap<>();
    results.forEach(
        r -> {
          assertThat(r.errorCode()).as("row %d", r.row()).isEqualTo("null");
          assertThat(answers.put(r.row(), r.answer())).isNull();
        });
    return answers;
  }

  /**
   * Errors at any place: of plans, of what the host puts, and of programs in the midst of a step.
   */
  private static void passes(IntFunction<RuntimeException> error) throws Exception {
    for (int every : new int[] {23, 41}) {
      AtomicBoolean running = new AtomicBoolean();
      FailingDevice device =
          new FailingDevice(
              launch -> running.get() && launch % every == 0 ? error.apply(launch) : null);
      try (Engine engine = open(device)) {
        running.set(true);
        List<TestResult> results = EngineRuns.run(engine, requests(), 7).results();
        assertThat(answers(results)).as("every %d-th launch", every).isEqualTo(undisturbed);
      }
      assertThat(device.failures()).isGreaterThan(3);
    }
  }

  @Test
  void anErrorThatPassesChangesNoAnswer() throws Exception {
    passes(launch -> new TornadoRuntimeException("launch " + launch));
  }

  @Test
  void memoryThatIsThereAgainChangesNoAnswer() throws Exception {
    passes(launch -> new TornadoOutOfMemoryException("Unable to allocate " + launch + " bytes"));
  }

  /** A driver that refuses a copy is heard of in a log only. */
  @Test
  void aCopyThatDoesNotComeIsNoAnswer() throws Exception {
    AtomicBoolean running = new AtomicBoolean();
    FailingDevice device = new FailingDevice(_ -> null, copy -> running.get() && copy % 4 == 0);
    try (Engine engine = open(device)) {
      running.set(true);
      List<TestResult> results = EngineRuns.run(engine, requests(), 7).results();
      assertThat(answers(results)).isEqualTo(undisturbed);
    }
    assertThat(device.failures()).isGreaterThan(3);
  }

  /** Ends an engine after some launches and gives what the next one has left to do. */
  private static EngineException lose(RuntimeException error) throws Exception {
    AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
    FailingDevice device = new FailingDevice(_ -> left.decrementAndGet() < 0 ? error : null);
    List<TestResult> results = new ArrayList<>();
    EngineException lost;
    try (Engine engine = open(device);
        BufferAllocator allocator = new RootAllocator();
        RequestBatches batches = new RequestBatches(requests(), 7, allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      left.set(60);
      lost =
          catchThrowableOfType(
              EngineException.class,
              () -> {
                for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
                  try (EngineBatch open = batch) {
                    if (open instanceof EngineBatch.Results r) {
                      results.addAll(TestResult.of(r.root()));
                    }
                  }
                }
              });
    }
    assertThat(lost.rows()).isNotEmpty();
    Map<Long, String> answers = answers(results);
    List<TestRequest> again =
        requests().stream().filter(r -> !answers.containsKey(r.row())).toList();
    assertThat(again).isNotEmpty();
    // As a task does with another engine.
    try (Engine engine = open(new FailingDevice(_ -> null))) {
      answers.putAll(answers(EngineRuns.run(engine, again, 7).results()));
    }
    assertThat(answers).isEqualTo(undisturbed);
    return lost;
  }

  @Test
  void aDeviceThatIsGoneEndsTheEngineAndNoRequest() throws Exception {
    EngineException lost = lose(new TornadoRuntimeException("CL_DEVICE_NOT_AVAILABLE"));
    assertThat(lost.kind()).isEqualTo(EngineException.Kind.FAILED);
    assertThat(lost).hasMessageContainingAll(FailingDevice.deviceName(), "CL_DEVICE_NOT_AVAILABLE");
  }

  @Test
  void memoryThatStaysShortEndsTheEngineAndNoRequest() throws Exception {
    EngineException lost = lose(new TornadoOutOfMemoryException("Unable to allocate 7 bytes"));
    assertThat(lost.kind()).isEqualTo(EngineException.Kind.OUT_OF_MEMORY);
    assertThat(lost)
        .hasMessageContainingAll(FailingDevice.deviceName(), "out of memory", "engine.kvBytes");
  }

  @Test
  void anEngineDoesNotOpenOnADeviceThatFails() {
    RuntimeException failed =
        catchThrowableOfType(
            RuntimeException.class,
            () -> open(new FailingDevice(_ -> new TornadoRuntimeException("no such kernel"))));
    assertThat(failed).hasMessageContainingAll(FailingDevice.deviceName(), "no such kernel");
    EngineException full =
        catchThrowableOfType(
            EngineException.class,
            () -> open(new FailingDevice(_ -> new TornadoOutOfMemoryException("7 bytes"))));
    assertThat(full.kind()).isEqualTo(EngineException.Kind.OUT_OF_MEMORY);
  }

  @Test
  void aDeviceThatIsNotThereIsNamed() {
    EngineException refused =
        catchThrowableOfType(
            EngineException.class,
            () -> Engine.open(EngineConfig.builder(model).backend("tornado").device(7).build()));
    assertThat(refused).hasMessageContaining("TornadoVM has no device 7; it found");
  }
}
