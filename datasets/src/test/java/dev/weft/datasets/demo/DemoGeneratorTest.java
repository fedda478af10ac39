package dev.weft.datasets.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class DemoGeneratorTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void sameSeedGivesTheSameRequestsAndAnotherSeedOthers() {
    List<DemoRequest> first = new DemoGenerator(7).requests(DemoSplit.HELD_OUT, 300);

    assertThat(new DemoGenerator(7).requests(DemoSplit.HELD_OUT, 300)).isEqualTo(first);
    assertThat(new DemoGenerator(8).requests(DemoSplit.HELD_OUT, 300)).isNotEqualTo(first);
  }

  @Test
  void noHeldOutRequestEqualsATrainingOne() {
    DemoGenerator generator = new DemoGenerator(GenerateDemo.SHIPPED_SEED);
    Set<String> heldOut =
        generator.requests(DemoSplit.HELD_OUT, GenerateDemo.SHIPPED_REQUESTS).stream()
            .map(request -> request.task().name() + request.example().user())
            .collect(Collectors.toSet());

    for (DemoTask task : DemoTask.all()) {
      for (DemoSplit other : List.of(DemoSplit.TRAINING, DemoSplit.VALIDATION)) {
        DemoGenerator.ExampleSource source = generator.examples(task, other);
        for (int i = 0; i < 1_000; i++) {
          assertThat(heldOut).doesNotContain(task.name() + source.next().user());
        }
      }
    }
  }

  @Test
  void theSplitIsDecidedByTheRequestAlone() {
    for (DemoTask task : DemoTask.all()) {
      for (DemoSplit split : DemoSplit.values()) {
        DemoExample example = new DemoGenerator(3).examples(task, split).next();
        assertThat(DemoSplit.of(task, example.user())).isEqualTo(split);
      }
    }
  }

  @Test
  void tasksComeInTheirSharesAndAboutTwoPercentAreCopies() {
    List<DemoRequest> requests = new DemoGenerator(11).requests(DemoSplit.TRAINING, 10_000);

    Map<String, Long> counts =
        requests.stream()
            .collect(Collectors.groupingBy(r -> r.task().name(), Collectors.counting()));
    for (DemoTask task : DemoTask.all()) {
      assertThat(counts.get(task.name()) / 100.0)
          .isBetween(task.sharePercent() - 2.0, task.sharePercent() + 2.0);
    }
    Set<String> bodies = new HashSet<>();
    requests.forEach(request -> bodies.add(request.task().name() + request.example().user()));
    assertThat(requests.size() - bodies.size()).isBetween(100, 320);
    assertThat(requests.stream().map(DemoRequest::customId)).doesNotHaveDuplicates();
  }

  @Test
  void linesAreOpenAiBatchRequestsWithTheTasksInstructions() throws Exception {
    for (DemoRequest request : new DemoGenerator(5).requests(DemoSplit.HELD_OUT, 100)) {
      JsonNode line = JSON.readTree(request.toBatchLine());
      assertThat(line.get("custom_id").asText()).isEqualTo(request.customId());
      assertThat(line.get("url").asText()).isEqualTo("/v1/chat/completions");
      JsonNode messages = line.at("/body/messages");
      assertThat(messages.at("/0/content").asText()).isEqualTo(request.task().instructions());
      assertThat(messages.at("/1/content").asText()).isEqualTo(request.example().user());
      assertThat(line.at("/body/temperature").asInt(-1)).isZero();
      assertThat(line.at("/body/max_tokens").asInt()).isEqualTo(request.task().maxTokens());

      JsonNode expected = JSON.readTree(request.toExpectedLine());
      assertThat(expected.get("custom_id").asText()).isEqualTo(request.customId());
      assertThat(expected.get("task").asText()).isEqualTo(request.task().name());
      assertThat(expected.get("expected").asText()).isEqualTo(request.example().answer());
    }
  }

  @Test
  void aNegativeCountIsRefused() {
    assertThatThrownBy(() -> new DemoGenerator(1).requests(DemoSplit.HELD_OUT, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("-1");
  }
}
