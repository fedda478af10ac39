package dev.weft.batching.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.batching.RandomRequests;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.schedule.StepLimits;
import dev.weft.batching.tree.PrefixTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** All BBH questions, each after its task's chain-of-thought prompt; four bytes are one token. */
class BbhSharingTest {
  private static final Pattern INPUT = Pattern.compile("\"input\": \"((?:[^\"\\\\]++|\\\\.)*+)\"");
  private static final int QUESTIONS = 6_511;

  @Test
  void everyPolicySavesExactlyWhatTheTreeSaysIsPossible() throws IOException {
    String shared = System.getProperty("weft.shared.data", "");
    Path folder = Path.of(shared, "requests", "bbh");
    assumeTrue(
        !shared.isEmpty() && Files.isDirectory(folder),
        "needs the BBH questions in requests/bbh below -Dweft.shared.data=" + shared);
    RequestSet requests = read(folder);
    assertThat(requests.size()).isEqualTo(QUESTIONS);
    PrefixTree tree = PrefixTree.build(requests);
    CostModel cost = RandomRequests.cost(0.8);
    long reusable = tree.reusableTokens(16);
    for (SchedulingPolicy policy : SchedulingPolicies.all()) {
      PlannedOrder order = policy.order(tree, cost, 1 << 20);
      Simulator simulator = new Simulator(cost, new StepLimits(4_096, 256), 400_000, 16);
      SimulatedRun run = simulator.run(requests, order);
      System.out.printf(
          "%s: %.2f%% of %d prompt tokens saved, bound %.2f%%%n",
          policy.name(),
          100.0 * run.statistics().sharedTokens() / tree.promptTokens(),
          tree.promptTokens(),
          100.0 * reusable / tree.promptTokens());
      assertThat(run.statistics().finished()).isEqualTo(QUESTIONS);
      assertThat(run.statistics().evictions()).isZero();
      assertThat(run.statistics().sharedTokens()).as(policy.name()).isEqualTo(reusable);
      assertThat(run.statistics().prefillTokens()).isEqualTo(tree.promptTokens() - reusable);
    }
  }

  private static RequestSet read(Path folder) throws IOException {
    RequestSet.Builder builder = RequestSet.builder();
    List<Path> tasks;
    try (Stream<Path> files = Files.list(folder.resolve("bbh"))) {
      tasks = files.filter(f -> f.toString().endsWith(".json")).sorted().toList();
    }
    for (Path task : tasks) {
      String name = task.getFileName().toString().replace(".json", ".txt");
      String prompt = Files.readString(folder.resolve("cot-prompts").resolve(name));
      String prefix = prompt.substring(prompt.indexOf("-----") + 6);
      Matcher input = INPUT.matcher(Files.readString(task));
      while (input.find()) {
        builder.add(tokens(prefix + "\n\nQ: " + input.group(1) + "\nA:"), 4, 64);
      }
    }
    return builder.build();
  }

  private static int[] tokens(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[(bytes.length + 3) / 4];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i / 4] = tokens[i / 4] << 8 | (bytes[i] & 0xFF);
    }
    return tokens;
  }
}
