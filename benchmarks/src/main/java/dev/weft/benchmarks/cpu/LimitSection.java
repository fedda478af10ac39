package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import java.util.Map;

/** {@code limit.*}: what the machine can do, with one thread and with all. */
final class LimitSection {
  private static final int ROUNDS = 5;

  private LimitSection() {}

  static void run(Results results, Setting setting, Limits all) throws InterruptedException {
    if (!results.wants(Limits.FMA) && !results.wants(Limits.READ)) {
      return;
    }
    try (Limits one = new Limits(1)) {
      Rounds rounds = all.addTo(new Rounds()).add("fma", one::fma).add("read", one::read);
      Map<String, Series> rates = rounds.run(ROUNDS, Math.max(ROUNDS, setting.repetitions()));
      String unit = "operations per second, a multiply-add is two";
      add(results, Limits.FMA, rates.get(Limits.FMA), rates.get("fma"), unit, "out of registers");
      add(
          results,
          Limits.READ,
          rates.get(Limits.READ),
          rates.get("read"),
          "bytes per second",
          "256 MiB, once");
    } catch (PeerException e) {
      throw new IllegalStateException("no peer takes part", e);
    }
  }

  private static void add(
      Results results, String name, Series all, Series one, String unit, String workload) {
    results.add(Line.against(name, all, unit, "one thread", one, Double.NaN, workload));
  }
}
