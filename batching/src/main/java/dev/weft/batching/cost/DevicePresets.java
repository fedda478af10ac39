package dev.weft.batching.cost;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Devices for simulations without a calibration. Predictions made with them are for comparing
 * policies, not for promising hours: no run was measured on them.
 *
 * <ul>
 *   <li>Peak rates and memory: data sheets, dense 16-bit tensor operations.
 *   <li>Sustained flop/s: 0.82 of peak. NanoFlow (arXiv 2408.12757, 6.2) measures 1,857 tokens/s
 *       for each A100 with CUTLASS and 2,048 tokens of Llama-2-70B (69e9 parameters): 256e12
 *       flop/s. For H100 and H200 the same fraction is assumed.
 *   <li>Sustained byte/s: the same fraction of peak, assumed. So compute densities are those of
 *       BlendServe (arXiv 2411.16102), which divides by peak rates.
 *   <li>Overlap 2/3: NanoFlow (4.1) gives decode attention 0.4 of the resources, at which it
 *       reaches 0.8 of its own speed and leaves 0.6 to matrix products. In a time {@code T} that is
 *       {@code M = 0.8 T} and {@code C = 0.6 T}, and {@code T = M + (1-w) C} gives {@code w = 2/3}.
 *       BlendServe's own numbers agree: prefix order reaches 71.7% of its practical optimum; were
 *       nothing hidden in that order, {@code w} would be 0.67 at density 1.4 and 0.59 at 0.9.
 *   <li>Reserve 4 GB: BlendServe's example keeps 20 of 80 GB for weights (16 GB) and buffers.
 *   <li>Power: the board's limit (data sheets: 400 W, 700 W, 700 W) is taken for what computing and
 *       reading at their sustained rates draw together: a fifth of it idle, three quarters of the
 *       rest by computing, one quarter by reading. The split is assumed. Host and cooling are left
 *       out.
 *   <li>No overhead of a step: both papers leave CPU time out. Every sequence reads its own KV.
 * </ul>
 */
public final class DevicePresets {
  private static final double SUSTAINED = 0.82;
  private static final double OVERLAP = 2.0 / 3;
  private static final double RESERVED_BYTES = 4e9;
  private static final double IDLE = 0.2;
  private static final double COMPUTING = 0.75;

  public static final DevicePreset A100_80G = preset("a100-80g", 312e12, 2.039e12, 80e9, 400);
  public static final DevicePreset H100_80G = preset("h100-80g", 989.4e12, 3.35e12, 80e9, 700);
  public static final DevicePreset H200 = preset("h200", 989.4e12, 4.8e12, 141e9, 700);

  private static final Map<String, DevicePreset> PRESETS = new LinkedHashMap<>();

  static {
    for (DevicePreset preset : new DevicePreset[] {A100_80G, H100_80G, H200}) {
      PRESETS.put(preset.profile().device(), preset);
    }
  }

  private DevicePresets() {}

  /**
   * @throws IllegalArgumentException if there is no preset of that name; the message lists all
   */
  public static DevicePreset named(String name) {
    DevicePreset preset = PRESETS.get(name);
    if (preset == null) {
      throw new IllegalArgumentException(
          "unknown device preset '"
              + name
              + "': choose one of "
              + String.join(", ", PRESETS.keySet()));
    }
    return preset;
  }

  public static Collection<DevicePreset> all() {
    return Collections.unmodifiableCollection(PRESETS.values());
  }

  private static DevicePreset preset(
      String name, double peakFlops, double peakBytes, double memoryBytes, double boardWatts) {
    double dynamicWatts = (1 - IDLE) * boardWatts;
    return new DevicePreset(
        new DeviceProfile(
                name, SUSTAINED * peakFlops, SUSTAINED * peakBytes, OVERLAP, "preset:" + name)
            .withPower(
                new PowerModel(
                    IDLE * boardWatts,
                    COMPUTING * dynamicWatts / (SUSTAINED * peakFlops),
                    (1 - COMPUTING) * dynamicWatts / (SUSTAINED * peakBytes),
                    "preset:" + name)),
        memoryBytes,
        RESERVED_BYTES,
        String.format(
            Locale.ROOT,
            "%.4g flop/s and %.4g byte/s at peak (data sheet), %.2f of them sustained (NanoFlow;"
                + " bandwidth assumed), overlap %.2f (NanoFlow), %.3g bytes reserved (BlendServe),"
                + " %.0f W board power (data sheet), divided as assumed",
            peakFlops,
            peakBytes,
            SUSTAINED,
            OVERLAP,
            RESERVED_BYTES,
            boardWatts));
  }
}
