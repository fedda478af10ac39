package dev.weft.kernels.engine;

import dev.weft.batching.cost.MeasuredStep;
import dev.weft.kernels.engine.TokenRequests.Fixed;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The time of an engine on a device that compiles for seconds whatever it meets for the first time:
 * other kernels for few and for many tokens, and for logits; and room for larger steps. A simulated
 * clock: prompts in one step, then a step for each generated token.
 */
final class CompilingDevice implements StepProbe.Runner {
  private static final double COMPILING_SECONDS = 4;

  private final Set<String> compiled = new HashSet<>();
  private double now;

  long nanos() {
    return Math.round(now * 1e9);
  }

  EngineInfo info() {
    return new EngineInfo(
        "simulated", "llama", 300, 1024, "device", 1, 16, 4096, 0, 0, 0, 0, true, List.of());
  }

  /** Of a step of which everything is compiled. */
  static double seconds(long tokens) {
    return 0.01 + 1e-4 * tokens;
  }

  @Override
  public List<MeasuredStep> run(List<Fixed> requests) {
    List<MeasuredStep> steps = new ArrayList<>();
    int prompts = requests.stream().mapToInt(r -> r.prompt().length).sum();
    for (int left = prompts; left > 0; left -= 256) {
      int tokens = Math.min(256, left);
      steps.add(step(tokens, left <= 256 ? requests.size() : 0, (long) tokens * tokens / 2, 0));
    }
    for (int i = 1; i < requests.getFirst().outputTokens(); i++) {
      steps.add(step(requests.size(), requests.size(), 0, prompts));
    }
    return steps;
  }

  private MeasuredStep step(int tokens, int logits, long pairs, long kvTokens) {
    double seconds = seconds(tokens);
    for (String kind :
        List.of(
            "tokens" + (tokens > 2),
            "logits" + (logits > 0) + (logits > 2),
            "room" + Integer.highestOneBit(tokens))) {
      if (compiled.add(kind)) {
        seconds += COMPILING_SECONDS;
      }
    }
    now += seconds;
    return new MeasuredStep(tokens, logits, pairs, kvTokens, seconds);
  }
}
