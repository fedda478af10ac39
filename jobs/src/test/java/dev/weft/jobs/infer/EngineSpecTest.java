package dev.weft.jobs.infer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.cost.PiecewiseLinear;
import dev.weft.batching.cost.PiecewiseLinear.Point;
import dev.weft.batching.cost.StepCurve;
import dev.weft.jobs.prepare.ModelFile;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.kv.KvFormat;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class EngineSpecTest {
  @Test
  void theCostModelReachesTheEngineAsItIs() {
    CostModel rates =
        new CostModel(
            new ModelShape(1_000_000, 4, 64, 64, 4, 1.0625, 1_000),
            new DeviceProfile("d", 1e9, 1e8, 0.2, "calibration", 0, 1, 0.5));
    CostModel measured =
        rates.withCurve(
            new StepCurve(
                new PiecewiseLinear(List.of(new Point(1, 0.1 / 3), new Point(256, 0.3))),
                new PiecewiseLinear(List.of(new Point(0, 0))),
                1e-9 / 7,
                1e-8));
    EngineSpec spec =
        new EngineSpec(
            new ModelFile("m.gguf", 1, "0".repeat(64), ""),
            "vector",
            0,
            1,
            1 << 20,
            KvFormat.F16,
            true,
            CudaGraphs.FALSE,
            16,
            0,
            64,
            8,
            1,
            42,
            3,
            600,
            30,
            "tuned",
            "");
    assertThat(spec.config(Path.of("m.gguf")).costModel()).isNull();
    assertThat(spec.config(Path.of("m.gguf")).tuningFolder()).isEqualTo(Path.of("tuned"));
    assertThat(spec.config(Path.of("m.gguf")).tensorCores()).isTrue();
    assertThat(spec.config(Path.of("m.gguf")).cudaGraphs()).isEqualTo(CudaGraphs.FALSE);
    for (CostModel cost : List.of(rates, measured)) {
      assertThat(spec.withCostModel(cost).config(Path.of("m.gguf")).costModel()).isEqualTo(cost);
    }
  }
}
