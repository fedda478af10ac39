package dev.weft.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FormatTest {
  @Test
  void writesNumbersAsPeopleReadThem() {
    assertThat(
            List.of(
                Format.compact(0), Format.compact(7), Format.compact(999.4), Format.compact(999.6)))
        .containsExactly("0", "7", "999", "1k");
    assertThat(
            List.of(
                Format.compact(1234),
                Format.compact(45.6e6),
                Format.compact(-2500),
                Format.compact(0.25)))
        .containsExactly("1.23k", "45.6M", "-2.5k", "0.25");
    assertThat(
            List.of(
                Format.percent(0.99999),
                Format.percent(1),
                Format.percent(0),
                Format.percent(Double.NaN)))
        .containsExactly("99.9%", "100.0%", "0.0%", "–");
    assertThat(
            List.of(
                Format.seconds(0),
                Format.seconds(0.0123),
                Format.seconds(59.94),
                Format.seconds(119.7),
                Format.seconds(3599.9)))
        .containsExactly("0 s", "12.3 ms", "59.9 s", "2m 00s", "1h 00m");
    assertThat(List.of(Format.seconds(86400 * 3), Format.seconds(1e12), Format.seconds(-1)))
        .containsExactly("3d 00h", "11.6M days", "–");
    assertThat(
            List.of(
                Format.bytes(0),
                Format.bytes(1023),
                Format.bytes(1024),
                Format.bytes(7.43 * (1 << 20)),
                Format.bytes(Long.MAX_VALUE)))
        .containsExactly("0 B", "1023 B", "1 KiB", "7.43 MiB", "8 EiB");
    assertThat(
            List.of(
                Format.joules(0.0048),
                Format.joules(4211),
                Format.joules(7.2e6),
                Format.joules(2e-6)))
        .containsExactly("4.8 mJ", "4.21 kJ", "2 kWh", "2 µJ");
    assertThat(
            List.of(
                Format.money(0.00123, "EUR"),
                Format.money(1234.5, ""),
                Format.money(Double.NaN, "EUR")))
        .containsExactly("0.0012 EUR", "1,234.50", "–");
  }

  @Test
  void axesHoldTheirValuesAndHaveFewRoundTicks() {
    Random random = new Random(11);
    for (int i = 0; i < 10_000; i++) {
      double largest = Math.pow(10, random.nextDouble() * 30 - 12);
      Axis axis = Axis.upTo(largest, 4);
      assertThat(axis.max()).as("largest %s", largest).isGreaterThanOrEqualTo(largest * (1 - 1e-9));
      assertThat(axis.ticks()).as("largest %s", largest).hasSizeBetween(3, 7);
      assertThat(axis.at(largest)).isBetween(0.45, 1.0);
      double seconds = Math.pow(10, random.nextDouble() * 12 - 3);
      assertThat(Axis.ofSeconds(seconds, 8).ticks())
          .as("seconds %s", seconds)
          .hasSizeBetween(2, 13);
    }
    assertThat(Axis.upTo(Double.NaN, 4).max()).isPositive();
  }
}
