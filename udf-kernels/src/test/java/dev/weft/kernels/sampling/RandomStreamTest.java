package dev.weft.kernels.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import org.junit.jupiter.api.Test;

class RandomStreamTest {
  /** Known answers of the authors' Random123 library, file kat_vectors, philox4x32 10. */
  @Test
  void isPhilox() {
    assertThat(RandomStream.philox(0, 0, 0)).isEqualTo(0xe169c58d_6627e8d5L);
    assertThat(RandomStream.philox(-1, -1, -1)).isEqualTo(0x41c83b0e_408f276dL);
    assertThat(
            RandomStream.philox(0x299f31d0_a4093822L, 0x85a308d3_243f6a88L, 0x03707344_13198a2eL))
        .isEqualTo(0x94fdcceb_d16cfe09L);
  }

  @Test
  void isUniformOverPositionsSamplesAndKeys() {
    int bins = 64;
    int draws = 64_000;
    for (int by = 0; by < 3; by++) {
      int[] counts = new int[bins];
      for (int i = 0; i < draws; i++) {
        double u =
            switch (by) {
              case 0 -> RandomStream.uniform(RandomStream.key(7), 0, i);
              case 1 -> RandomStream.uniform(RandomStream.key(7), i, 0);
              default -> RandomStream.uniform(RandomStream.key(42, "request-" + i), 0, 0);
            };
        assertThat(u).isBetween(0.0, Math.nextDown(1.0));
        counts[(int) (u * bins)]++;
      }
      double expected = (double) draws / bins;
      double chiSquare = 0;
      for (int count : counts) {
        chiSquare += (count - expected) * (count - expected) / expected;
      }
      // 63 degrees of freedom: 114 is exceeded once in ten thousand.
      assertThat(chiSquare).as("counting by " + by).isBetween(30.0, 114.0);
    }
  }

  @Test
  void everythingInTheKeyMatters() {
    var seen = new HashSet<Double>();
    for (long key :
        new long[] {
          RandomStream.key(1),
          RandomStream.key(2),
          RandomStream.key(1, "a"),
          RandomStream.key(2, "a"),
          RandomStream.key(1, "b"),
          RandomStream.key(1, "")
        }) {
      for (int sample = 0; sample < 3; sample++) {
        for (int position = 0; position < 3; position++) {
          seen.add(RandomStream.uniform(key, sample, position));
        }
      }
    }
    assertThat(seen).hasSize(54);
  }
}
