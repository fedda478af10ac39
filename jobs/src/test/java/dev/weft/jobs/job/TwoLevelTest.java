package dev.weft.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.weft.batching.request.PlanningInterruptedException;
import dev.weft.jobs.report.ReportFiles;
import dev.weft.jobs.report.SchedulePicture;
import dev.weft.jobs.run.PlanSummary;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A table that the driver may not plan whole is planned in ranges, and answered the same. */
class TwoLevelTest {
  private static final int REQUESTS = 60;

  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  private Path input() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      String prompt =
          i % 10 == 9
              ? "The end."
              : "Once upon a time there was a %s %s with %d cats."
                  .formatted(i % 2 == 0 ? "little" : "very big", i % 3 == 0 ? "girl" : "dog", i);
      lines.add(
          "{\"custom_id\":\"r%d\",\"body\":{\"prompt\":\"%s\",\"n\":%d}}"
              .formatted(i, prompt, 1 + i % 2));
    }
    return Files.write(folder.resolve("in.jsonl"), lines);
  }

  private static Map<String, String> keys(Map<String, String> more) {
    Map<String, String> keys = new HashMap<>(more);
    keys.put("sampling.temperature", "0.7");
    keys.put("sampling.maxTokens", "12");
    return keys;
  }

  private RunSummary run(String id, Path input, Map<String, String> more) {
    Map<String, String> keys = keys(more);
    keys.put("run.id", id);
    return WeftJob.run(
        spark, JobFixture.config(folder, input.toString(), keys), ProgressListener.none());
  }

  @Test
  void answersAreThoseOfOneLevel() throws IOException {
    Path input = input();
    RunSummary one = run("one", input, Map.of());
    assertThat(one.plan().level().levels()).isEqualTo(1);
    RunSummary two =
        run(
            "two",
            input,
            Map.of(
                "plan.driverTokens", "500",
                "plan.partitions", "3",
                "plan.sampleFraction", "0.1",
                "plan.sampleMinRequests", "6"));
    assertThat(JobFixture.answers(spark, folder + "/out", "two"))
        .hasSize(REQUESTS)
        .isEqualTo(JobFixture.answers(spark, folder + "/out", "one"));
    PlanSummary plan = two.plan();
    assertThat(plan.level().levels()).isEqualTo(2);
    assertThat(plan.level().ranges()).isGreaterThan(2);
    assertThat(plan.level().why()).contains("plan.driverTokens is 500");
    assertThat(plan.outputLengthSource()).isEqualTo("sample");
    assertThat(plan.sampledRequests()).isBetween(4L, 6L);
    assertThat(plan.requests()).isEqualTo(REQUESTS);
    assertThat(plan.promptTokens()).isEqualTo(one.plan().promptTokens());
    assertThat(two.partitions()).hasSize(3);
  }

  @Test
  void plansOfBothLevelsAreJsonWithAPictureAndTheSameAgain() throws Exception {
    Path input = input();
    List<String> steps = Collections.synchronizedList(new ArrayList<>());
    List<Double> parts = Collections.synchronizedList(new ArrayList<>());
    ProgressListener listener =
        new ProgressListener() {
          @Override
          public void planning(String what, double done) {
            assertThat(done).isBetween(0.0, 1.0);
            steps.add(what);
            parts.add(done);
          }
        };
    for (String driverTokens : List.of("auto", "300")) {
      Map<String, String> keys = keys(Map.of("plan.driverTokens", driverTokens));
      parts.clear();
      PlanSummary plan =
          WeftJob.plan(spark, JobFixture.config(folder, input.toString(), keys), listener);
      assertThat(parts).as("progress with %s", driverTokens).isSorted().endsWith(1.0);
      assertThat(plan.predictions())
          .allSatisfy(
              p ->
                  assertThat(p.predictedSeconds())
                      .isBetween(p.lowSeconds() * 0.999, p.highSeconds() * 1.001))
          .isNotEmpty();
      assertThat(plan.sharing().topPrefixes()).isNotEmpty();
      assertThat(plan.sharing().topPrefixes().getFirst().text()).contains("Once upon a time");
      assertThat(plan.policyNote()).containsPattern("prefix order|density");
      assertThat(plan.predictionNote()).contains("simulated").contains("max_tokens");
      String json = ReportFiles.json(plan);
      assertThat(json).doesNotContain("NaN", "Infinity");
      String svg = SchedulePicture.svg(plan);
      DocumentBuilderFactory.newInstance()
          .newDocumentBuilder()
          .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
      plan.predictions().forEach(p -> assertThat(svg).contains(">" + name(plan, p.policy()) + "<"));
      PlanSummary again =
          WeftJob.plan(spark, JobFixture.config(folder, input.toString(), keys), listener);
      assertThat(again.predictions()).isEqualTo(plan.predictions());
      assertThat(again.sharing()).isEqualTo(plan.sharing());
    }
    assertThat(steps).contains("order", "cut", "simulate dfs", "ranges", "done");
  }

  @ParameterizedTest
  @CsvSource({
    "auto, cut",
    "300, sample",
    "300, ranges",
  })
  void anInterruptedPlanEndsAsSuch(String driverTokens, String at) throws IOException {
    ProgressListener interrupts =
        new ProgressListener() {
          @Override
          public void planning(String what, double done) {
            if (what.equals(at)) {
              Thread.currentThread().interrupt();
            }
          }
        };
    Path input = input();
    Map<String, String> keys = keys(Map.of("plan.driverTokens", driverTokens));
    assertThatExceptionOfType(PlanningInterruptedException.class)
        .isThrownBy(
            () ->
                WeftJob.plan(spark, JobFixture.config(folder, input.toString(), keys), interrupts));
    assertThat(Thread.interrupted()).as("the caller still sees it").isTrue();
  }

  private static String name(PlanSummary plan, String policy) {
    return policy.equals(plan.policy()) ? "→ " + policy : policy;
  }
}
