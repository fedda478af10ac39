package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.Series;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** What other engines reached on the device in this run, by the names of their lines. */
final class PeerRates {
  /** Lines of Weft's decode steps against the best way in which a peer decodes, and its target. */
  private static final Map<String, Double> TARGETS =
      Map.of("peer.gpullama3", 10.0, "peer.transformers.continuous", 1.0);

  private final Map<String, Series> rates = new LinkedHashMap<>();

  void put(String name, Series rate) {
    rates.put(name, rate);
  }

  /** Operations per second of the vendor's fp16 product. */
  OptionalDouble libraryRate() {
    Series rate = rates.get(PythonPeer.LIBRARY_RATE);
    return rate == null ? OptionalDouble.empty() : OptionalDouble.of(rate.median());
  }

  /**
   * @param model shape and format
   * @param suffix of the names
   * @return names of the lines of {@link #ahead}: of peers that decoded that model
   */
  List<String> aheadNames(String model, String suffix) {
    return TARGETS.keySet().stream()
        .sorted()
        .filter(peer -> !best(peer, model).isEmpty())
        .map(peer -> aheadName(peer, model) + suffix)
        .toList();
  }

  /**
   * @param weft tokens per second of all sequences together
   */
  List<Line> ahead(String model, String suffix, Series weft, String unit, String workload) {
    var lines = new ArrayList<Line>();
    TARGETS.keySet().stream()
        .sorted()
        .forEach(
            peer -> {
              String name = best(peer, model);
              if (!name.isEmpty()) {
                lines.add(
                    Line.against(
                        aheadName(peer, model) + suffix,
                        weft,
                        unit,
                        name,
                        rates.get(name),
                        TARGETS.get(peer),
                        workload));
              }
            });
    return lines;
  }

  private static String aheadName(String peer, String model) {
    return peer + ".ahead." + model;
  }

  /** The fastest of a peer's ways to decode; empty for none. */
  private String best(String peer, String model) {
    String best = "";
    for (String name : rates.keySet()) {
      boolean decodes = name.startsWith(peer + ".decode.") && name.endsWith("." + model);
      if (decodes && (best.isEmpty() || rates.get(name).median() > rates.get(best).median())) {
        best = name;
      }
    }
    return best;
  }
}
