package dev.weft.batching.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ObjectiveTest {
  private static final DeviceProfile DEVICE =
      new DeviceProfile("d", 2e12, 1e11, 0.5, "test")
          .withPower(new PowerModel(50, 1e-11, 2e-10, "test"));

  @Test
  void energyIsIdlePowerAndWork() {
    Objective energy = Objective.energy(DEVICE);
    // 50 W x 10 s + 1e-11 J x 2e12 x 4 s + 2e-10 J x 1e11 x 3 s
    assertThat(energy.value(10, 4, 3)).isCloseTo(500 + 80 + 60, within(1e-9));
    assertThat(DEVICE.energyJoules(10, 4, 3)).isCloseTo(energy.value(10, 4, 3), within(1e-9));
    assertThat(energy.recomputeFactor()).isCloseTo(1.4, within(1e-12));
    assertThat(Objective.TIME.value(10, 4, 3)).isEqualTo(10);
    assertThat(Objective.TIME.recomputeFactor()).isEqualTo(1);
  }

  @Test
  void costIsHoursAndEnergyAtTheirPrices() {
    Prices prices = new Prices(3.6, 0.36, "EUR");
    Objective cost = Objective.cost(DEVICE, prices);
    assertThat(cost.value(10, 4, 3)).isCloseTo(0.01 + 640 / 3.6e6 * 0.36, within(1e-12));
    assertThat(prices.money(10, 640)).isCloseTo(cost.value(10, 4, 3), within(1e-12));
    assertThat(
            Objective.cost(DEVICE.withPower(PowerModel.UNKNOWN), new Prices(3.6, 0, "EUR"))
                .value(10, 4, 3))
        .isCloseTo(0.01, within(1e-12));
  }

  @Test
  void whatIsNotKnownIsNoObjective() {
    DeviceProfile unknown = DEVICE.withPower(PowerModel.UNKNOWN);
    assertThat(unknown.energyJoules(10, 4, 3)).isNaN();
    assertThat(Prices.NONE.money(10, 640)).isNaN();
    assertThat(new Prices(1, 1, "EUR").money(10, Double.NaN)).isNaN();
    assertThatThrownBy(() -> Objective.energy(unknown)).hasMessageContaining("energy");
    assertThatThrownBy(() -> Objective.cost(unknown, new Prices(1, 1, "EUR")))
        .hasMessageContaining("energy");
    assertThatThrownBy(() -> Objective.cost(DEVICE, Prices.NONE)).hasMessageContaining("cost");
  }

  @Test
  void presetsDrawTheirBoardPowerAtFullRates() {
    for (DevicePreset preset : DevicePresets.all()) {
      double watts = preset.profile().energyJoules(1, 1, 1);
      assertThat(watts)
          .as(preset.profile().device())
          .isCloseTo(preset.profile().device().startsWith("a100") ? 400 : 700, within(1e-6));
      DeviceProfile eight = preset.tensorParallel(8).profile();
      assertThat(eight.energyJoules(1, 1, 1)).isCloseTo(8 * watts, within(1e-6));
    }
  }
}
