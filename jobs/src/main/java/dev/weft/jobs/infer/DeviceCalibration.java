package dev.weft.jobs.infer;

import dev.weft.batching.cost.ModelShape;
import dev.weft.kernels.backend.CudaGraphs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Rates of the executors' device with a model, measured once and kept in a folder of the driver.
 */
public final class DeviceCalibration {
  private DeviceCalibration() {}

  /**
   * @param rates what was measured
   * @param source {@code measured}, or {@code cache:<file>}
   */
  public record Measured(EngineRates rates, String source) {}

  /**
   * Measures on one executor, unless the rates are known.
   *
   * @param slots where the engine is
   * @param where names the kind of machine, with the backend's device: rates of one are not those
   *     of another
   * @param folder where rates are kept
   * @param refresh measure even if they are known
   * @param seconds to measure for; 0 for what the size of the model asks for
   * @param warnings told when the rates cannot be kept, or not be relied on
   */
  public static Measured of(
      JavaSparkContext spark,
      EngineSpec spec,
      ModelShape shape,
      EngineSlots slots,
      String where,
      Path folder,
      boolean refresh,
      int seconds,
      Consumer<String> warnings) {
    RatesFile file = new RatesFile(folder.resolve(fileName(spec, where, seconds)));
    Optional<EngineRates> known = refresh ? Optional.empty() : file.read(warnings);
    Measured measured =
        known
            .map(rates -> new Measured(rates, "cache:" + file.path()))
            .orElseGet(() -> new Measured(measure(spark, spec, shape, slots, seconds), "measured"));
    if (known.isEmpty()) {
      file.write(measured.rates, warnings);
    }
    String unreliable = measured.rates.warning();
    if (unreliable != null) {
      warnings.accept(unreliable);
    }
    return measured;
  }

  /** All that rates depend on. */
  static String fileName(EngineSpec spec, String where, int seconds) {
    return "rates-%s-%s-%s%s%s-t%d-b%d-%s%s.json"
        .formatted(
            spec.model().sha256().substring(0, 16),
            spec.backend(),
            spec.kvFormat().label(),
            spec.tensorCores() ? "-tensor" : "",
            spec.cudaGraphs() == CudaGraphs.FALSE ? "-nographs" : "",
            spec.threads(),
            spec.budgetTokens(),
            where.replaceAll("[^A-Za-z0-9]+", "-"),
            // A short measurement must not stand in for a full one later.
            seconds > 0 ? "-" + seconds + "s" : "");
  }

  private static EngineRates measure(
      JavaSparkContext spark, EngineSpec spec, ModelShape shape, EngineSlots slots, int seconds) {
    SerializableConfiguration hadoop = new SerializableConfiguration(spark.hadoopConfiguration());
    double[] numbers = {
      shape.parametersPerToken(),
      shape.layers(),
      shape.attentionWidth(),
      shape.kvWidth(),
      shape.bytesPerKvElement(),
      shape.bytesPerWeight(),
      shape.headParameters()
    };
    String json =
        slots
            .on(
                spark
                    .parallelize(List.of(numbers), 1)
                    .map(n -> RatesFile.json(measure(spec, n, seconds, hadoop))))
            .first();
    try {
      return RatesFile.rates(json);
    } catch (IOException e) {
      throw new IllegalStateException("rates are plain values", e);
    }
  }

  private static EngineRates measure(
      EngineSpec spec, double[] shape, int seconds, SerializableConfiguration hadoop)
      throws Exception {
    return RateProbe.measure(
        spec.onDevice(EngineSlots.device()), shape(shape), seconds, hadoop.value());
  }

  /** The cost model's types are no Java-serializable ones. */
  private static ModelShape shape(double[] n) {
    return new ModelShape((long) n[0], (int) n[1], (int) n[2], (int) n[3], n[4], n[5], (long) n[6]);
  }
}
