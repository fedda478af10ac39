package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.measure.Line;
import dev.weft.benchmarks.measure.PeerException;
import dev.weft.benchmarks.measure.Results;
import dev.weft.benchmarks.measure.Rounds;
import dev.weft.benchmarks.measure.Series;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.quant.QuantFormat;
import java.util.Map;

/** {@code limit.*}: what the device reaches in the largest pieces of work. */
final class LimitSection {
  private LimitSection() {}

  static void run(Results results, GpuSetting setting) throws PeerException, InterruptedException {
    for (QuantFormat format : GpuShape.FORMATS) {
      String matmul = DeviceLimits.MATMUL + "." + GpuShape.name(format) + setting.suffix();
      // Copies are the same with and without tensor cores.
      boolean first = format == GpuShape.FORMATS.getFirst() && !setting.tensorCores();
      if (!results.wants(matmul) && !(first && results.wants(DeviceLimits.COPY))) {
        continue;
      }
      try (Backend backend = setting.open();
          var limits = new DeviceLimits(backend, setting, format)) {
        Map<String, Series> rates =
            limits.addTo(new Rounds()).run(setting.warmUp(), setting.repetitions());
        if (first) {
          results.add(
              Line.alone(
                  DeviceLimits.COPY,
                  rates.get(DeviceLimits.COPY),
                  "bytes per second",
                  limits.copyWorkload()));
        }
        results.add(
            Line.alone(
                matmul,
                rates.get(DeviceLimits.MATMUL),
                "operations per second, a multiply-add is two",
                limits.matmulWorkload()));
      }
    }
  }
}
