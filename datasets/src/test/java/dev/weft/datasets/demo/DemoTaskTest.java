package dev.weft.datasets.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.LocalDate;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The answers follow from the requests; checked by reading the requests anew. */
class DemoTaskTest {
  private static final int DRAWS = 500;

  @Test
  void everyTaskHasLongInstructionsOfItsOwnAndSharesAddUp() {
    Set<String> instructions = new HashSet<>();
    int percent = 0;
    for (DemoTask task : DemoTask.all()) {
      assertThat(task.instructions().split("\\s+")).hasSizeBetween(120, 300);
      assertThat(instructions.add(task.instructions())).isTrue();
      percent += task.sharePercent();
    }
    assertThat(percent).isEqualTo(100);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 42, 2026})
  void extractedFieldsStandInTheMessage(long seed) throws Exception {
    Random random = new Random(seed);
    for (int i = 0; i < DRAWS; i++) {
      DemoExample example = new ExtractTask().draw(random);
      JsonNode fields = new ObjectMapper().readTree(example.answer());
      assertThat(fields.properties()).hasSize(5);
      for (String field : List.of("name", "city", "order", "product", "quantity")) {
        if (!fields.get(field).isNull()) {
          assertThat(example.user()).contains(fields.get(field).asText());
        }
      }
      assertThat(fields.get("order").isNull())
          .isEqualTo(!Pattern.compile("[A-Z]{2}-\\d{4}").matcher(example.user()).find());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 42, 2026})
  void packingListsHaveOneLineForEachItemOfTheNote(long seed) {
    Random random = new Random(seed);
    Pattern item = Pattern.compile("\n([a-j]): (\\w+ \\w+)");
    for (int i = 0; i < DRAWS; i++) {
      DemoExample example = new PackingTask().draw(random);
      Matcher items = item.matcher(example.user());
      String[] lines = example.answer().split("\n");
      int line = 0;
      while (items.find()) {
        assertThat(lines[line])
            .startsWith(items.group(1) + ": " + items.group(2) + " from aisle ")
            .endsWith(", to be checked for damage and put into box " + items.group(1) + ".");
        line++;
      }
      assertThat(lines).hasSize(line + 1);
      assertThat(lines[line]).startsWith("done: ");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 42, 2026})
  void normalisedDatesAreRealAndAmountsKeepTheirDigits(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < DRAWS; i++) {
      DemoExample example = new NormaliseTask().draw(random);
      String[] parts = example.answer().split(" ");
      assertThat(LocalDate.parse(parts[0]).getYear()).isBetween(2010, 2029);
      assertThat(parts[1]).matches("[A-Z]{3}");
      assertThat(parts[2]).matches("[1-9]\\d{0,3}\\.\\d\\d");
      assertThat(example.user().replaceAll("(?<=\\d),(?=\\d{3}\\.)", "")).contains(parts[2]);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 42, 2026})
  void recordsRepeatEveryField(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < DRAWS; i++) {
      DemoExample example = new RecordTask().draw(random);
      String[] fields = example.user().substring(2, example.user().length() - 2).split(" \\| ");
      assertThat(fields).hasSize(10);
      assertThat(example.answer()).contains(fields);
      assertThat(example.answer().split("\\. |\\.$")).hasSize(6);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 42, 2026})
  void reviewsAreWeighedByTheirStatements(long seed) {
    Random random = new Random(seed);
    Pattern praise = Pattern.compile("lovely|excellent|solid|great|just right|pleases");
    Pattern complaint = Pattern.compile("awful|poor|cheap|dull|all wrong|annoys");
    for (int i = 0; i < DRAWS; i++) {
      DemoExample example = new ReviewTask().draw(random);
      long balance =
          praise.matcher(example.user()).results().count()
              - complaint.matcher(example.user()).results().count();
      String sentiment = balance > 0 ? "positive" : balance < 0 ? "negative" : "mixed";
      assertThat(example.answer()).startsWith(sentiment + " ");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 42, 2026})
  void ticketsAreSafetyExactlyIfSomethingDangerousHappened(long seed) {
    Random random = new Random(seed);
    Pattern danger = Pattern.compile("[Ss]moke|cut her hand|fire|hurt");
    Set<String> labels = new HashSet<>();
    for (int i = 0; i < DRAWS; i++) {
      DemoExample example = new TriageTask().draw(random);
      labels.add(example.answer());
      assertThat(example.answer().equals("safety"))
          .isEqualTo(danger.matcher(example.user()).find());
    }
    assertThat(labels).hasSize(8);
    assertThat(new TriageTask().instructions()).contains(labels);
  }
}
