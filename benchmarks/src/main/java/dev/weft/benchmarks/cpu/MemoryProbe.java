package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.ForwardSteps;
import dev.weft.kernels.engine.Engine;
import dev.weft.kernels.engine.EngineBatch;
import dev.weft.kernels.engine.EngineConfig;
import dev.weft.kernels.engine.ResultStream;
import dev.weft.kernels.engine.TokenRequests;
import dev.weft.kernels.engine.TokenRequests.Fixed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/**
 * A process that runs requests until the KV cache is full and prints {@code @memory before peak
 * anonymous weights kv}, in bytes: resident memory before the engine was opened and at its peak,
 * the part of the resident memory at the end that is no file, and what the engine says of itself.
 * Linux only.
 */
final class MemoryProbe {
  private static final int PROMPT = 64;
  private static final int OUTPUT = 64;

  private MemoryProbe() {}

  /** Arguments: model, threads, bytes of keys and values. */
  public static void main(String[] args) throws IOException, InterruptedException {
    long before = status("VmRSS");
    try (Engine engine =
            Engine.open(
                EngineConfig.builder(Path.of(args[0]))
                    .threads(Integer.parseInt(args[1]))
                    .kvBudgetBytes(Long.parseLong(args[2]))
                    .build());
        BufferAllocator allocator = new RootAllocator()) {
      // Prompts that share nothing, half more than there is room for.
      int count = engine.info().kvPages() * engine.info().pageTokens() * 3 / 2 / (PROMPT + OUTPUT);
      List<Fixed> requests = new ArrayList<>();
      for (int i = 0; i < Math.max(1, count); i++) {
        requests.add(new Fixed(ForwardSteps.tokens(PROMPT, i), OUTPUT));
      }
      try (TokenRequests batches = new TokenRequests(requests, allocator);
          ResultStream stream = engine.submit(batches, allocator)) {
        for (EngineBatch batch = stream.next(); batch != null; batch = stream.next()) {
          batch.close();
        }
      }
      System.out.printf(
          Locale.ROOT,
          "@memory %d %d %d %d %d%n",
          before,
          status("VmHWM"),
          status("RssAnon"),
          engine.info().weightBytes(),
          engine.info().kvBytes());
    }
  }

  private static long status(String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(field + ":")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IOException("/proc/self/status has no " + field);
  }
}
