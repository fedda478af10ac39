package dev.weft.kernels.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.energy.EnergyMeter;
import dev.weft.kernels.energy.EnergySource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Streams of an engine and its end, on a tiny model whose tokens are bytes. */
@Timeout(120)
class EngineStreamsTest {
  @TempDir static Path folder;
  private static Path model;

  @BeforeAll
  static void writeModel() throws Exception {
    model = TinyModel.write(folder);
  }

  private static EngineConfig.Builder config() {
    return EngineConfig.builder(model).backend("scalar").threads(1).kvBudgetBytes(2 << 20);
  }

  private static TestRequest greedy(long row, String prompt) {
    return TestRequest.greedy(row, TinyModel.tokens(prompt));
  }

  @Test
  void aClosedStreamGivesItsPagesBack() throws Exception {
    try (Engine engine = Engine.open(config().build());
        BufferAllocator allocator = new RootAllocator()) {
      var requests = new ArrayList<TestRequest>();
      for (int i = 0; i < 200; i++) {
        requests.add(greedy(i, "close " + i).maxTokens(200).ignoreEos(true));
      }
      try (var batches = new RequestBatches(requests, 20, allocator)) {
        ResultStream stream = engine.submit(batches, allocator);
        stream.next().close();
        stream.close();
        stream.close();
        assertThatThrownBy(stream::next).isInstanceOf(EngineException.class);
      }
      var after = EngineRuns.run(engine, greedy(1000, "after")).only();
      assertThat(after.errorCode()).isEqualTo("null");
      assertThat(((BatchingEngine) engine).usedPages()).isZero();
      assertThat(engine.totals().requests()).isLessThan(200);
    }
  }

  @Test
  void aSlowReaderHoldsTheEngineBackAndNothingIsLost() throws Exception {
    try (Engine engine =
            Engine.open(config().resultQueueRows(4).resultBatchRows(2).maxSequences(2).build());
        BufferAllocator allocator = new RootAllocator()) {
      var requests = new ArrayList<TestRequest>();
      for (int i = 0; i < 60; i++) {
        requests.add(greedy(i, "slow " + i).maxTokens(4));
      }
      try (var batches = new RequestBatches(requests, 7, allocator);
          ResultStream stream = engine.submit(batches, allocator)) {
        int rows = 0;
        try (EngineBatch first = stream.next()) {
          rows += first.root().getRowCount();
        }
        // The engine stops by itself; how soon is not a matter of time but of rows.
        while (engine.totals().requests() < 4) {
          Thread.onSpinWait();
        }
        Thread.sleep(200);
        assertThat(engine.totals().requests()).isLessThan(20);
        for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
          try (EngineBatch open = batch) {
            rows += open instanceof EngineBatch.Results ? open.root().getRowCount() : 0;
          }
        }
        assertThat(rows).isEqualTo(60);
      }
    }
  }

  @Test
  void twoEnginesRunSideBySide() throws Exception {
    try (Engine one = Engine.open(config().build());
        Engine two = Engine.open(config().build())) {
      var requests = new ArrayList<TestRequest>();
      for (int i = 0; i < 50; i++) {
        requests.add(greedy(i, "two " + i));
      }
      var first =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return EngineRuns.run(one, requests, 10);
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      var second = EngineRuns.run(two, requests, 10);
      assertThat(first.get(60, TimeUnit.SECONDS).results().stream().map(TestResult::answer))
          .containsExactlyInAnyOrderElementsOf(
              second.results().stream().map(TestResult::answer).toList());
    }
  }

  @Test
  void aClosedEngineEndsItsStreamsAndSaysSo() throws Exception {
    Engine engine = Engine.open(config().build());
    try (BufferAllocator allocator = new RootAllocator();
        var batches =
            new RequestBatches(
                List.of(greedy(1, "end").maxTokens(200).ignoreEos(true)), 1, allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      var reader =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return EngineRuns.drain(stream);
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      engine.close();
      engine.close();
      // Either it was done before or it hears of the end; it never hangs.
      reader.handle((run, error) -> run).get(60, TimeUnit.SECONDS);
      assertThatThrownBy(() -> engine.submit(batches, allocator))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("closed");
    }
  }

  /** A meter that breaks is a fault of the engine itself, in the middle of a run. */
  @Test
  void aBrokenEngineFailsAllStreamsAndSaysWhy() throws Exception {
    var calls = new AtomicInteger();
    var freed = new AtomicInteger();
    EnergyMeter meter =
        new EnergyMeter() {
          @Override
          public EnergySource source() {
            return new EnergySource("test", false);
          }

          @Override
          public double joules() {
            if (calls.incrementAndGet() > 20) {
              throw new IllegalStateException("the meter fell off");
            }
            return calls.get();
          }

          @Override
          public void close() {
            freed.incrementAndGet();
          }
        };
    try (Engine engine = BatchingEngine.open(config().build(), meter);
        var threads = Executors.newFixedThreadPool(3)) {
      var runs = new ArrayList<Future<EngineRuns.Run>>();
      for (int i = 0; i < 3; i++) {
        var endless = greedy(i, "break " + i).maxTokens(200).ignoreEos(true);
        runs.add(threads.submit(() -> EngineRuns.run(engine, endless)));
      }
      for (Future<EngineRuns.Run> run : runs) {
        assertThatThrownBy(() -> run.get(60, TimeUnit.SECONDS))
            .hasRootCauseMessage("the meter fell off")
            .hasMessageContaining("the engine failed");
      }
      assertThatThrownBy(() -> EngineRuns.run(engine, greedy(9, "next")))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("the meter fell off");
    }
    assertThat(freed.get()).isEqualTo(1);
  }

  @Test
  void aBatchWithWrongColumnsNamesThem() throws Exception {
    try (Engine engine = Engine.open(config().build());
        BufferAllocator allocator = new RootAllocator();
        VectorSchemaRoot results = VectorSchemaRoot.create(ResultSchema.SCHEMA, allocator)) {
      results.allocateNew();
      results.setRowCount(1);
      Iterator<VectorSchemaRoot> wrong = List.of(results).iterator();
      try (ResultStream stream = engine.submit(wrong, allocator)) {
        assertThatThrownBy(stream::next)
            .isInstanceOf(EngineException.class)
            .hasMessageContaining("no column side");
      }
      assertThat(EngineRuns.run(engine, greedy(1, "next")).only().errorCode()).isEqualTo("null");
    }
  }

  @Test
  void anEngineThatCannotOpenSaysWhy() throws Exception {
    assertThatThrownBy(() -> Engine.open(EngineConfig.builder(folder.resolve("none.gguf")).build()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("none.gguf");
    Path text = Files.writeString(folder.resolve("text.gguf"), "this is no model");
    assertThatThrownBy(() -> Engine.open(EngineConfig.builder(text).build()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("text.gguf");
    assertThatThrownBy(() -> Engine.open(config().backend("abacus").build()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("abacus");
    assertThatThrownBy(() -> Engine.open(config().kvBudgetBytes(10).build()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("KV");
    assertThatThrownBy(() -> Engine.open(config().contextTokens(1 << 20).build()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("context");
    for (String processor : List.of("scalar", "vector")) {
      assertThatThrownBy(() -> Engine.open(config().backend(processor).tensorCores(true).build()))
          .isInstanceOf(EngineException.class)
          .hasMessageContainingAll("engine.tensorCores", "CUDA", "this is backend " + processor);
      assertThatThrownBy(
              () -> Engine.open(config().backend(processor).cudaGraphs(CudaGraphs.TRUE).build()))
          .isInstanceOf(EngineException.class)
          .hasMessageContainingAll("engine.cudaGraphs", "CUDA", "this is backend " + processor);
    }
    assertThatThrownBy(() -> config().threads(0).build()).hasMessageContaining("threads is 0");
  }
}
