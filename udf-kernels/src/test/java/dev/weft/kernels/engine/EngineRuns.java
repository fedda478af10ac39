package dev.weft.kernels.engine;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.TestedBackends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Submits test requests and collects what comes out; every Arrow buffer must come back. */
final class EngineRuns {
  private EngineRuns() {}

  /** Rows of results and of step metrics of one submission. */
  record Run(List<TestResult> results, List<Map<String, Object>> steps) {
    TestResult only() {
      if (results.size() != 1) {
        throw new AssertionError("expected one result, got " + results);
      }
      return results.getFirst();
    }
  }

  static Run run(Engine engine, TestRequest... requests) throws InterruptedException {
    return run(engine, List.of(requests), 7);
  }

  static Run run(Engine engine, List<TestRequest> requests, int batchRows)
      throws InterruptedException {
    try (BufferAllocator allocator = new RootAllocator();
        RequestBatches batches = new RequestBatches(requests, batchRows, allocator);
        ResultStream stream = engine.submit(batches, allocator)) {
      return drain(stream);
    }
  }

  static Run drain(ResultStream stream) throws InterruptedException {
    var results = new ArrayList<TestResult>();
    var steps = new ArrayList<Map<String, Object>>();
    for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
      try (EngineBatch open = batch) {
        switch (open) {
          case EngineBatch.Results r -> results.addAll(TestResult.of(r.root()));
          case EngineBatch.Steps s -> steps.addAll(rows(s.root()));
        }
      }
    }
    return new Run(results, steps);
  }

  private static List<Map<String, Object>> rows(VectorSchemaRoot root) {
    var rows = new ArrayList<Map<String, Object>>();
    for (int i = 0; i < root.getRowCount(); i++) {
      var row = new TreeMap<String, Object>();
      for (FieldVector vector : root.getFieldVectors()) {
        row.put(vector.getName(), String.valueOf(vector.getObject(i)));
      }
      rows.add(row);
    }
    return rows;
  }

  /** A trained model of the shared data; the test is skipped without it. */
  static Path sharedModel(String file) {
    Path path = Path.of(System.getProperty("weft.shared.data", ""), "models", file);
    assumeTrue(
        Files.isRegularFile(path),
        "no " + file + " in the folder of system property weft.shared.data");
    return path;
  }

  static List<String> backends() {
    return TestedBackends.all().stream()
        .filter(provider -> provider.availability().available())
        .map(BackendProvider::name)
        .toList();
  }
}
