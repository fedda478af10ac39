package dev.weft.jobs.infer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Rates of the executors' device with a model, measured once and kept in a folder of the driver.
 */
public final class DeviceCalibration {
  private static final JsonMapper JSON = new JsonMapper();

  private DeviceCalibration() {}

  /**
   * @param profile the rates
   * @param source {@code measured}, or {@code cache:<file>}
   */
  public record Measured(DeviceProfile profile, String source) {}

  /**
   * Measures on one executor, unless the rates are known.
   *
   * @param where names the kind of machine: rates of one are not those of another
   * @param folder where rates are kept
   * @param refresh measure even if they are known
   * @param warnings told when the rates cannot be kept
   */
  public static Measured of(
      JavaSparkContext spark,
      EngineSpec spec,
      ModelShape shape,
      String where,
      Path folder,
      boolean refresh,
      Consumer<String> warnings) {
    Path file =
        folder.resolve(
            "rates-%s-%s-t%d-%s.json"
                .formatted(
                    spec.model().sha256().substring(0, 16),
                    spec.backend(),
                    spec.threads(),
                    where.replaceAll("[^A-Za-z0-9]+", "-")));
    if (!refresh && Files.isRegularFile(file)) {
      try {
        return new Measured(JSON.readValue(file.toFile(), DeviceProfile.class), "cache:" + file);
      } catch (IOException | IllegalArgumentException e) {
        warnings.accept(file + " cannot be read and is measured again: " + e.getMessage());
      }
    }
    SerializableConfiguration hadoop = new SerializableConfiguration(spark.hadoopConfiguration());
    double[] width = {
      shape.parametersPerToken(),
      shape.layers(),
      shape.attentionWidth(),
      shape.kvWidth(),
      shape.bytesPerKvElement(),
      shape.bytesPerWeight(),
      shape.headParameters()
    };
    String json =
        spark
            .parallelize(List.of(width), 1)
            .map(w -> JSON.writeValueAsString(RateProbe.measure(spec, shape(w), hadoop.value())))
            .first();
    try {
      DeviceProfile profile = JSON.readValue(json, DeviceProfile.class);
      keep(file, json, warnings);
      return new Measured(profile, "measured");
    } catch (IOException e) {
      throw new IllegalStateException("rates are plain values", e);
    }
  }

  /** The cost model's types are no Java-serializable ones. */
  private static ModelShape shape(double[] w) {
    return new ModelShape((long) w[0], (int) w[1], (int) w[2], (int) w[3], w[4], w[5], (long) w[6]);
  }

  private static void keep(Path file, String json, Consumer<String> warnings) {
    try {
      Files.createDirectories(file.getParent());
      Path aside = Files.createTempFile(file.getParent(), "rates", ".tmp");
      Files.writeString(aside, json);
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      warnings.accept("the measured rates cannot be kept in " + file + ": " + e.getMessage());
    }
  }
}
