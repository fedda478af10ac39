package dev.weft.benchmarks.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weft.batching.policy.SchedulingPolicies;
import dev.weft.batching.policy.SchedulingPolicy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlannerBenchTest {
  private static final List<String> FIELDS =
      List.of("name", "value", "unit", "baseline", "ratio", "spread", "workload", "device", "seed");

  @TempDir Path folder;

  @Test
  void noPolicyBeatsThePracticalOptimum() throws Exception {
    List<Measurement> lines = run("paper.trace2.of_optimum");
    List<String> names = lines.stream().map(Measurement::name).toList();
    for (SchedulingPolicy policy : SchedulingPolicies.all()) {
      assertThat(names).contains("paper.trace2.of_optimum." + policy.name());
    }
    assertThat(lines).allSatisfy(line -> assertThat(line.value()).isBetween(0.05, 1.0));
  }

  @Test
  void everyLineKeepsTheContract() throws Exception {
    List<Measurement> lines = run("plan");
    lines.addAll(run("dp.2"));
    lines.addAll(run("variance.lmsys"));
    ObjectMapper json = new ObjectMapper();
    for (Measurement line : lines) {
      JsonNode node = json.readTree(line.toJson());
      assertThat(node.fieldNames()).toIterable().as(line.name()).containsExactlyElementsOf(FIELDS);
      assertThat(line.value()).as(line.name()).isGreaterThanOrEqualTo(0);
      assertThat(line.workload()).isNotBlank();
      assertThat(line.device()).isNotBlank();
    }
    List<String> names = lines.stream().map(Measurement::name).toList();
    assertThat(names)
        .contains(
            "plan.seconds.10k",
            "plan.bytes_per_token.10k",
            "dp.2.trace2.imbalance",
            "dp.2.trace2.scaling",
            "dp.2.trace2.sharing_lost",
            "variance.lmsys",
            "variance.lmsys.blend",
            "variance.lmsys.practical_optimum",
            "variance.lmsys.ideal",
            "variance.lmsys.sharing_kept.blend");
    String table = PlannerTable.of(lines).markdown();
    assertThat(table).contains("| 10k | ").contains("| 2, trace2 | 1.93 | ");
  }

  @Test
  void whatCannotBeMeasuredIsNull() {
    Measurement none = new Measurement("a", Double.NaN, "s", "", Double.NaN, 0, "why", "d", 1);
    assertThat(none.toJson()).contains("\"value\":null").contains("\"ratio\":null");
    assertThat(Measurement.parse(none.toJson()).value()).isNaN();
    assertThatThrownBy(() -> Measurement.parse("{\"name\":\"a\"}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no field");
  }

  private List<Measurement> run(String only) throws Exception {
    Path out = folder.resolve(only + ".jsonl");
    PlannerBench.main(new String[] {"--quick", "--only", only, "--out", out.toString()});
    List<Measurement> lines = new ArrayList<>();
    for (String line : Files.readAllLines(out)) {
      lines.add(Measurement.parse(line));
    }
    assertThat(lines).isNotEmpty();
    assertThat(lines).allSatisfy(line -> assertThat(line.name()).startsWith(only));
    return lines;
  }
}
