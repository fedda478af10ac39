package dev.weft.jobs.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TimeErrorTest {
  @Test
  void theRangeHoldsThePredictionAndWhatRanAlready() {
    TimeError slower = new TimeError(1.4, 0.25);
    assertThat(slower.low()).isEqualTo(0.8);
    assertThat(slower.high()).isCloseTo(1.75, within(1e-12));
    assertThat(slower.meaning()).contains("25%").contains("1.40 times");
    TimeError faster = new TimeError(0.5, 0);
    assertThat(faster.low()).isEqualTo(0.5);
    assertThat(faster.high()).isEqualTo(1);
  }

  @Test
  void beforeAnythingRanTheCalibrationAloneWidensIt() {
    TimeError error = new TimeError(Double.NaN, 0.25);
    assertThat(error.low()).isEqualTo(0.8);
    assertThat(error.high()).isEqualTo(1.25);
    assertThat(error.meaning()).contains("25%").doesNotContain("ran already");
    assertThatThrownBy(() -> new TimeError(1, Double.NaN)).hasMessageContaining("NaN");
  }
}
