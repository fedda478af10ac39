package dev.weft.benchmarks.planner;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.tree.PrefixTree;
import dev.weft.datasets.format.OpenAiBatch;
import dev.weft.datasets.format.RequestException;
import dev.weft.datasets.format.RequestLimits;
import dev.weft.datasets.format.RequestReader;
import dev.weft.datasets.format.SamplingParams;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.prepare.PrepareSpec;
import dev.weft.jobs.prepare.Preparer;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.template.DefaultTemplate;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;

/** Makes workloads for the comparison of simulator and engine. */
final class SimulatorWorkloads {
  private static final JsonMapper JSON = new JsonMapper();

  private final SplittableRandom random;
  private final int vocabulary;

  SimulatorWorkloads(int vocabulary, long seed) {
    this.vocabulary = vocabulary;
    this.random = new SplittableRandom(seed);
  }

  /** Prompts with nothing in common, in the order given. */
  SimulatorWorkload apart(String name, int count, int[] prompt, int[] output) {
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < count; i++) {
      add(builder, new int[0], prompt, output);
    }
    return inOrder(
        name,
        "%d prompts of %s tokens, outputs of %s".formatted(count, range(prompt), range(output)),
        builder.build());
  }

  /** Groups that share a prefix. */
  SimulatorWorkload shared(String name, int groups, int each, int prefix, int[] own, int[] output) {
    RequestSet.Builder builder = RequestSet.builder();
    for (int g = 0; g < groups; g++) {
      int[] common = random.ints(prefix, 0, vocabulary).toArray();
      for (int i = 0; i < each; i++) {
        add(builder, common, own, output);
      }
    }
    return inOrder(
        name,
        "%d groups of %d prompts share %d tokens, %s of their own, outputs of %s"
            .formatted(groups, each, prefix, range(own), range(output)),
        builder.build());
  }

  /** Long prompts with short outputs on one side, the reverse on the other, run together. */
  SimulatorWorkload blend(
      String name, int count, int[] longPrompt, int[] shortOutput, int[] prompt, int[] output) {
    RequestSet.Builder builder = RequestSet.builder();
    BitSet memory = new BitSet();
    int[] order = new int[2 * count];
    for (int i = 0; i < count; i++) {
      add(builder, new int[0], longPrompt, shortOutput);
      add(builder, new int[0], prompt, output);
      memory.set(2 * i + 1);
      order[2 * i] = 2 * i;
      order[2 * i + 1] = 2 * i + 1;
    }
    return new SimulatorWorkload(
        name,
        "%d prompts of %s tokens with outputs of %s blended with as many of %s with outputs of %s"
            .formatted(count, range(longPrompt), range(shortOutput), range(prompt), range(output)),
        builder.build(),
        new PlannedOrder("blend", order, memory, List.of()));
  }

  /** The shipped demo requests in prefix order, with outputs as long as the expected answers. */
  static SimulatorWorkload demo(String name, Model model, Path folder, int count, CostModel cost)
      throws IOException {
    String template =
        model
            .chatTemplate()
            .orElseGet(
                () -> DefaultTemplate.forVocabulary(model.tokenizer().specialStrings()).source());
    Preparer preparer =
        new Preparer(
            model.tokenizer(),
            new PrepareSpec(
                null,
                template,
                "2026-01-01",
                model.spec().contextLength(),
                WeftConfig.LongPrompts.ERROR));
    OpenAiBatch format =
        new OpenAiBatch(new RequestReader(RequestLimits.DEFAULTS, SamplingParams.DEFAULTS));
    List<String> lines = Files.readAllLines(folder.resolve("requests.jsonl"));
    List<String> answers = Files.readAllLines(folder.resolve("expected.jsonl"));
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < Math.min(count, lines.size()); i++) {
      byte[] line = lines.get(i).getBytes(StandardCharsets.UTF_8);
      JsonNode answer = JSON.readTree(answers.get(i));
      try {
        var prepared = preparer.prepare(format.parse(line, 0, line.length));
        if (prepared.error() == null) {
          int output = model.tokenizer().encode(answer.get("expected").asText()).length + 1;
          int most = Math.min(output, model.spec().contextLength() - prepared.tokens().length);
          builder.add(prepared.tokens(), most, most);
        }
      } catch (RequestException e) {
        throw new IOException("demo request " + i + ": " + e.getMessage(), e);
      }
    }
    RequestSet requests = builder.build();
    PrefixTree tree = PrefixTree.build(requests);
    return new SimulatorWorkload(
        name,
        "the first %d demo requests in prefix order".formatted(requests.size()),
        requests,
        SchedulingPolicies.named("dfs").order(tree, cost, Integer.MAX_VALUE));
  }

  private void add(RequestSet.Builder builder, int[] prefix, int[] own, int[] output) {
    int more = random.nextInt(own[0], own[1] + 1);
    int[] prompt = new int[prefix.length + more];
    System.arraycopy(prefix, 0, prompt, 0, prefix.length);
    for (int t = prefix.length; t < prompt.length; t++) {
      prompt[t] = random.nextInt(vocabulary);
    }
    int tokens = random.nextInt(output[0], output[1] + 1);
    builder.add(prompt, tokens, tokens);
  }

  private static SimulatorWorkload inOrder(String name, String about, RequestSet requests) {
    int[] order = new int[requests.size()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    return new SimulatorWorkload(
        name, about, requests, PlannedOrder.oneSided("fcfs", order, List.of()));
  }

  private static String range(int[] range) {
    return range[0] + " to " + range[1];
  }
}
