package dev.weft.kernels.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.backend.vector.PairedTimes.Pair;
import org.junit.jupiter.api.Test;

class PairedTimesTest {
  private final PairedTimes times = new PairedTimes();

  private void windows(int count, long first, long second) {
    for (int i = 0; i < count; i++) {
      times.add(new Pair(first, second));
      times.endWindow();
    }
  }

  @Test
  void theyAreSteadyOnceCodeHasBeenCompiled() {
    windows(PairedTimes.STEADY_WINDOWS, 9000, 8000);
    assertThat(times.steady()).isFalse();
    windows(PairedTimes.STEADY_WINDOWS, 20, 8000);
    assertThat(times.steady()).isFalse();
    windows(PairedTimes.STEADY_WINDOWS, 20, 30);
    assertThat(times.steady()).isFalse();
    windows(1, 20, 30);
    assertThat(times.steady()).isTrue();
    assertThat(times.median()).isEqualTo(new Pair(20, 30));
  }

  @Test
  void disturbedPairsDoNotCountHoweverMany() {
    windows(PairedTimes.STEADY_WINDOWS + 1, 200, 300);
    // All is slower for a while, calls are interrupted, or the first finds its caches empty.
    windows(20, 240, 360);
    windows(20, 90_000, 300);
    windows(20, 300, 300);
    assertThat(times.steady()).isTrue();
    assertThat(times.median()).isEqualTo(new Pair(200, 300));
  }

  @Test
  void ofUndisturbedPairsTheOneInTheMiddleCounts() {
    windows(1, 198, 300);
    windows(2, 201, 302);
    windows(1, 195, 330);
    windows(1, 220, 300);
    assertThat(times.median()).isEqualTo(new Pair(201, 302));
  }

  @Test
  void manySmallGainsAreALargeOne() {
    windows(PairedTimes.STEADY_WINDOWS + 1, 200, 300);
    windows(1, 196, 294);
    windows(1, 192, 288);
    assertThat(times.steady()).isTrue();
    windows(1, 188, 282);
    assertThat(times.steady()).isFalse();
  }
}
