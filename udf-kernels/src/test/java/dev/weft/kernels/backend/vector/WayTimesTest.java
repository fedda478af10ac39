package dev.weft.kernels.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Which way is chosen for which times. */
class WayTimesTest {
  private static int chosen(long[] atOnce, long[] tiles) {
    return new WayTimes(atOnce, tiles).mostAtOnce(2);
  }

  @Test
  void theFasterWayIsChosen() {
    long[] atOnce = {1000, 2000, 3000, 4000};
    assertThat(chosen(atOnce, new long[] {900, 1500, 1600, 1700})).isEqualTo(1);
    assertThat(chosen(atOnce, new long[] {1300, 1800, 1900, 2000})).isEqualTo(1);
    assertThat(chosen(atOnce, new long[] {1500, 2500, 2800, 2900})).isEqualTo(2);
    assertThat(chosen(atOnce, new long[] {2000, 3000, 3300, 3400})).isEqualTo(3);
    assertThat(chosen(atOnce, new long[] {3000, 4000, 5000, 6000})).isEqualTo(4);
  }

  @Test
  void theUsualWayIsKeptWhereTheOtherIsHardlyFaster() {
    long[] atOnce = {1000, 2000, 3000, 4000};
    assertThat(chosen(atOnce, new long[] {980, 1960, 2800, 2900})).isEqualTo(2);
    assertThat(chosen(atOnce, new long[] {1000, 2000, 3060, 4080})).isEqualTo(2);
    // One token is as usual, though clearly faster in tiles, while two are.
    assertThat(chosen(atOnce, new long[] {900, 2000, 2800, 2900})).isEqualTo(2);
  }

  @Test
  void noMoreTokensAreChosenThanWereMeasured() {
    assertThat(new WayTimes(new long[] {1}, new long[] {9}).mostAtOnce(2)).isEqualTo(1);
    assertThatThrownBy(() -> new WayTimes(new long[2], new long[3]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void timesAreToldInMicroseconds() {
    assertThat(new WayTimes(new long[] {14_620, 29_140}, new long[] {18_400, 26_050}))
        .hasToString("14.6/18.4, 29.1/26.1");
  }
}
