package dev.weft.benchmarks.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A short campaign in this process; the long one is {@code weft bench fuzz}. */
class FuzzTest {
  private static final int CASES = 2000;

  @TempDir Path folder;

  static Stream<String> targets() {
    return StreamSupport.stream(FuzzTargets.names().spliterator(), false);
  }

  @ParameterizedTest
  @MethodSource("targets")
  void everyInputIsReadOrRefusedAsDocumented(String name) throws Exception {
    long seed = 20_261_125;
    System.out.println("FuzzTest " + name + " seed " + seed);
    try (FuzzTarget target = FuzzTargets.open(name)) {
      int cases = CASES * Math.min(100, FuzzTargets.share(name)) / 100;
      for (int i = 0; i < Math.max(1, cases); i++) {
        FuzzTarget.Input input = target.next(FuzzWorker.random(name, seed, i));
        assertThat(FuzzWorker.read(input, i)).as("%s, seed %d, case %d", name, seed, i).isNull();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void aCaseIsMadeOfSeedAndNumberAlone(String name) throws Exception {
    try (FuzzTarget one = FuzzTargets.open(name);
        FuzzTarget other = FuzzTargets.open(name)) {
      for (int i = 0; i < 50; i++) {
        byte[] first = one.next(FuzzWorker.random(name, 7, i)).dump();
        one.next(FuzzWorker.random(name, 8, i));
        assertThat(other.next(FuzzWorker.random(name, 7, i)).dump()).isEqualTo(first);
      }
    }
  }

  @Test
  void aCampaignNoticesWhatMustNotHappen() throws Exception {
    String name = MisbehavingTarget.class.getName();
    long seed = 0;
    while (!hasEachOnce(seed)) {
      seed++;
    }
    Path out = folder.resolve("fuzz.jsonl");
    FuzzBench.main(
        new String[] {
          "--only", name, "--count", "12", "--seed", "" + seed, "--out", out.toString()
        });
    assertThat(Files.readString(out))
        .contains("\"name\":\"fuzz.MisbehavingTarget\",\"value\":12")
        .contains("\"crashes\":1,\"hangs\":1,\"over_allocations\":1,\"uncaught\":1")
        .contains("\"distinct\":4");
  }

  private static boolean hasEachOnce(long seed) {
    var counts = new int[MisbehavingTarget.KINDS];
    for (int i = 0; i < 12; i++) {
      counts[FuzzWorker.random("misbehaving", seed, i).nextInt(MisbehavingTarget.KINDS)]++;
    }
    return counts[0] == 1 && counts[1] == 1 && counts[2] == 1 && counts[3] == 1;
  }

  @Test
  void namesTheTargetsItKnows() {
    assertThatThrownBy(() -> FuzzBench.main(new String[] {"--only", "nothing"}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gguf");
    assertThatThrownBy(() -> FuzzBench.main(new String[] {"--case", "3"}))
        .hasMessageContaining("--only");
  }
}
