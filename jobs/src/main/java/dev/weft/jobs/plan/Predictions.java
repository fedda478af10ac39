package dev.weft.jobs.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.batching.cost.CostModel;
import dev.weft.batching.plan.PlanProgress;
import dev.weft.batching.policy.PlannedOrder;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import dev.weft.batching.request.RequestSet;
import dev.weft.batching.simulate.SimulatedRun;
import dev.weft.batching.simulate.Simulator;
import dev.weft.batching.simulate.StepObserver;
import dev.weft.batching.simulate.UsageSeries;
import dev.weft.jobs.run.PlanSummary.PolicyPrediction;
import dev.weft.jobs.run.PlanSummary.PolicySchedule;
import dev.weft.jobs.run.PlanSummary.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * The predicted run of every policy: its time and energy with ranges, the tokens it saves, and what
 * the device does over time.
 *
 * <p>Orders are simulated step by step on one engine, three times each: with the expected output
 * lengths and with those at both ends of their range. A table of more tokens than {@link
 * #SIMULATED_TOKENS} allow is represented by {@link #STRETCHES} equal stretches of each order,
 * evenly apart and each with an empty cache at its start, and the times are scaled by tokens.
 *
 * @param policies one for each policy
 * @param schedules one for each policy
 * @param peakKvTokens most KV tokens held with the chosen policy
 * @param note how the predictions were made and what the ranges mean
 */
public record Predictions(
    List<PolicyPrediction> policies,
    List<PolicySchedule> schedules,
    long peakKvTokens,
    String note) {
  /** Tokens of all simulations together. */
  private static final long SIMULATED_TOKENS = 24_000_000;

  private static final int STRETCHES = 8;
  private static final int INTERVALS = 100;
  private static final int RUNS = 3;
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * @param outputs range of the output lengths
   * @param error of predicted times; the range is widened by it
   */
  static Predictions of(JobPlan plan, OutputRange outputs, TimeError error, PlanProgress progress) {
    return new Maker(plan, outputs, error).make(progress);
  }

  /**
   * As text that {@link #of(List, double, String)} reads: it travels from an executor to the
   * driver.
   */
  String json() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("predictions are plain values", e);
    }
  }

  /**
   * The predictions of a table from those of some of its ranges, scaled by tokens. The schedules
   * are those of the first range.
   *
   * @param scale tokens of the table over tokens of these ranges
   */
  static Predictions of(List<String> ranges, double scale, String note) {
    List<Predictions> parts = new ArrayList<>();
    try {
      for (String json : ranges) {
        parts.add(JSON.readValue(json, Predictions.class));
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("predictions are plain values", e);
    }
    List<PolicyPrediction> policies = new ArrayList<>();
    for (int i = 0; i < parts.getFirst().policies().size(); i++) {
      int policy = i;
      List<PolicyPrediction> same = parts.stream().map(p -> p.policies().get(policy)).toList();
      long saved = same.stream().mapToLong(PolicyPrediction::savedTokens).sum();
      double prompt =
          same.stream()
              .filter(p -> p.savedShare() > 0)
              .mapToDouble(p -> p.savedTokens() / p.savedShare())
              .sum();
      policies.add(
          new PolicyPrediction(
              same.getFirst().policy(),
              scale * sum(same, PolicyPrediction::predictedSeconds),
              scale * sum(same, PolicyPrediction::lowSeconds),
              scale * sum(same, PolicyPrediction::highSeconds),
              scale * sum(same, PolicyPrediction::computeSeconds),
              scale * sum(same, PolicyPrediction::memorySeconds),
              (long) (scale * saved),
              prompt == 0 ? 0 : saved / prompt,
              new Range(
                  scale * sum(same, p -> p.energyJoules().predicted()),
                  scale * sum(same, p -> p.energyJoules().low()),
                  scale * sum(same, p -> p.energyJoules().high())),
              Range.UNKNOWN));
    }
    return new Predictions(
        policies,
        parts.getFirst().schedules(),
        parts.stream().mapToLong(Predictions::peakKvTokens).max().orElse(0),
        note + "; " + parts.getFirst().note());
  }

  private static double sum(
      List<PolicyPrediction> policies, ToDoubleFunction<PolicyPrediction> value) {
    return policies.stream().mapToDouble(value).sum();
  }

  /** Positions {@code [from, to)} of an order. */
  private record Stretch(int from, int to) {}

  private static final class Maker {
    private final JobPlan plan;
    private final RequestSet requests;
    private final OutputRange outputs;
    private final TimeError error;
    private final long tokens;
    private final long tokensEach;
    private final Simulator simulator;

    Maker(JobPlan plan, OutputRange outputs, TimeError error) {
      this.plan = plan;
      this.outputs = outputs;
      this.error = error;
      requests = plan.tree().requests();
      tokens = plan.tree().promptTokens() + plan.expectedOutputTokens();
      tokensEach = SIMULATED_TOKENS / RUNS / SchedulingPolicies.all().size();
      simulator = plan.simulator();
    }

    Predictions make(PlanProgress progress) {
      List<PolicyPrediction> predictions = new ArrayList<>();
      List<PolicySchedule> schedules = new ArrayList<>();
      long peak = 0;
      double share = 1;
      int done = 0;
      for (SchedulingPolicy policy : SchedulingPolicies.all()) {
        progress.at("simulate " + policy.name(), (double) done++ / SchedulingPolicies.all().size());
        PlannedOrder order = orderOf(policy);
        List<Stretch> stretches = stretches(order);
        UsageSeries series = new UsageSeries(INTERVALS);
        Sums expected = simulate(order, stretches, expected(), series);
        Sums low = simulate(order, stretches, outputs.low(), StepObserver.NONE);
        Sums high = simulate(order, stretches, outputs.high(), StepObserver.NONE);
        share = (double) expected.tokens / tokens;
        double scale = 1 / share;
        predictions.add(
            new PolicyPrediction(
                policy.name(),
                expected.seconds * scale,
                Math.min(low.seconds, expected.seconds) * scale * error.low(),
                Math.max(high.seconds, expected.seconds) * scale * error.high(),
                expected.computeSeconds * scale,
                expected.memorySeconds * scale,
                (long) (expected.savedTokens * scale),
                share(expected.savedTokens, expected.promptTokens),
                new Range(
                    joules(expected) * scale,
                    Math.min(joules(low), joules(expected)) * scale * error.low(),
                    Math.max(joules(high), joules(expected)) * scale * error.high()),
                Range.UNKNOWN));
        schedules.add(schedule(policy.name(), series));
        if (policy.name().equals(plan.plan().policy())) {
          peak = expected.peakKvTokens;
        }
      }
      progress.at("done", 1);
      return new Predictions(predictions, schedules, peak, note(share));
    }

    private double joules(Sums sums) {
      return plan.cost()
          .device()
          .energyJoules(sums.seconds, sums.computeSeconds, sums.memorySeconds);
    }

    private PlannedOrder orderOf(SchedulingPolicy policy) {
      CostModel cost = plan.cost();
      return policy.name().equals(plan.plan().policy())
          ? plan.plan().order()
          : policy.order(plan.tree(), cost, plan.limits().kvTokens());
    }

    private int[] expected() {
      int[] expected = new int[requests.size()];
      Arrays.setAll(expected, requests::estimatedOutputTokens);
      return expected;
    }

    private List<Stretch> stretches(PlannedOrder order) {
      if (tokens <= tokensEach) {
        return List.of(new Stretch(0, order.size()));
      }
      List<Stretch> stretches = new ArrayList<>();
      for (int s = 0; s < STRETCHES; s++) {
        int from = (int) ((long) order.size() * s / STRETCHES);
        int end = (int) ((long) order.size() * (s + 1) / STRETCHES);
        long left = tokensEach / STRETCHES;
        int to = from;
        while (to < end && left > 0) {
          int r = order.request(to++);
          left -= requests.promptTokens(r) + requests.estimatedOutputTokens(r);
        }
        stretches.add(new Stretch(from, to));
      }
      return stretches;
    }

    private Sums simulate(
        PlannedOrder order, List<Stretch> stretches, int[] outputTokens, StepObserver observer) {
      Sums sums = new Sums();
      for (Stretch s : stretches) {
        SimulatedRun run = simulator.run(requests, order, s.from(), s.to(), outputTokens, observer);
        sums.add(run);
        for (int i = s.from(); i < s.to(); i++) {
          int r = order.request(i);
          sums.promptTokens += requests.promptTokens(r);
          sums.tokens += requests.promptTokens(r) + requests.estimatedOutputTokens(r);
        }
      }
      return sums;
    }

    private static PolicySchedule schedule(String policy, UsageSeries series) {
      return new PolicySchedule(
          policy,
          series.seconds(),
          series.intervalSeconds(),
          rounded(series.computeShares(), 1e4),
          rounded(series.memoryShares(), 1e4),
          rounded(series.kvTokens(), 1));
    }

    /** More digits than a picture shows only make files long. */
    private static List<Double> rounded(double[] values, double digits) {
      return Arrays.stream(values).map(v -> Math.round(v * digits) / digits).boxed().toList();
    }

    private String note(double share) {
      List<String> notes = new ArrayList<>();
      notes.add(
          share >= 1
              ? "simulated step by step on one engine"
              : String.format(
                  Locale.ROOT,
                  "simulated step by step on one engine for %d stretches of each order, %.2g%% of"
                      + " the tokens, and scaled: the table is too large to simulate whole",
                  STRETCHES,
                  100 * share));
      notes.add(outputs.meaning());
      notes.add(error.meaning());
      return String.join("; ", notes);
    }

    private static double share(long part, long whole) {
      return whole == 0 ? 0 : (double) part / whole;
    }
  }

  private static final class Sums {
    private double seconds;
    private double computeSeconds;
    private double memorySeconds;
    private long savedTokens;
    private long promptTokens;
    private long tokens;
    private long peakKvTokens;

    private void add(SimulatedRun run) {
      seconds += run.seconds();
      computeSeconds += run.computeSeconds();
      memorySeconds += run.memorySeconds();
      savedTokens += run.statistics().sharedTokens();
      peakKvTokens = Math.max(peakKvTokens, run.peakKvTokens());
    }
  }
}
