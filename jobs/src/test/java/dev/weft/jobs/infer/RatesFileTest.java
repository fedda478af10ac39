package dev.weft.jobs.infer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.PiecewiseLinear;
import dev.weft.batching.cost.PiecewiseLinear.Point;
import dev.weft.batching.cost.StepCurve;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RatesFileTest {
  private static final EngineRates RATES =
      new EngineRates(
          EngineRates.VERSION,
          new DeviceProfile("AMD EPYC", 4.5e10, 1.1e10, 0.04, "calibration", 0, 1, 0.5),
          new StepCurve(
              new PiecewiseLinear(
                  List.of(new Point(1, 0.0123456789), new Point(8, 0.02), new Point(256, 0.3))),
              new PiecewiseLinear(List.of(new Point(0, 0), new Point(64, 0.01))),
              1.5e-8,
              2.5e-7),
          0.021,
          400,
          8.5);

  @TempDir Path folder;
  private final List<String> warnings = new ArrayList<>();

  @Test
  void whatIsWrittenIsRead() {
    RatesFile file = new RatesFile(folder.resolve("new").resolve("rates.json"));
    assertThat(file.read(warnings::add)).isEmpty();
    file.write(RATES, warnings::add);
    assertThat(file.read(warnings::add)).contains(RATES);
    assertThat(warnings).isEmpty();
  }

  @Test
  void filesThatAreOfNoUseAreNamedAndMeasuredAgain() throws Exception {
    String good = RatesFile.json(RATES);
    List<String> useless =
        List.of(
            "",
            "not json",
            "[1]",
            good.substring(0, good.length() / 2),
            good.replace("\"seconds\":0.3", "\"seconds\":0.001"),
            good.replace("\"spread\":0.021", "\"spread\":\"NaN\""),
            good.replace("\"steps\":400,", ""),
            good.replace("\"flopsPerSecond\":4.5E10", "\"flopsPerSecond\":-1"),
            good.replace("\"version\":" + EngineRates.VERSION, "\"version\":1"),
            // As versions before the first number wrote them.
            "{\"device\":\"AMD\",\"flopsPerSecond\":1e9,\"bytesPerSecond\":1e9,\"overlap\":0}");
    for (String text : useless) {
      assertThat(text).isNotEqualTo(good);
      warnings.clear();
      RatesFile file = new RatesFile(Files.writeString(folder.resolve("rates.json"), text));
      assertThat(file.read(warnings::add)).as(text).isEmpty();
      assertThat(warnings)
          .as(text)
          .singleElement()
          .asString()
          .contains(file.path().toString(), "measured again")
          .doesNotContain("\n");
    }
  }

  @Test
  void aLargeSpreadIsSaid() {
    assertThat(RATES.warning()).isNull();
    EngineRates busy =
        new EngineRates(
            RATES.version(), RATES.profile(), RATES.curve(), 0.4, RATES.steps(), RATES.seconds());
    assertThat(busy.warning()).contains("40%", "calibration.refresh");
  }
}
