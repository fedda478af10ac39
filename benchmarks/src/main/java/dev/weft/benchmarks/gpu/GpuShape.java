package dev.weft.benchmarks.gpu;

import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.util.List;
import java.util.Locale;

/** Shapes of the models whose steps are measured. */
enum GpuShape {
  /** Llama-3.2-1B. */
  LLAMA_1B("llama-1b", SyntheticModel.shape(16, 2048, 32, 8, 8192, 128_256)),

  /** Llama-3.1-8B. */
  LLAMA_8B("llama-8b", SyntheticModel.shape(32, 4096, 32, 8, 14336, 128_256, false)),

  /** For devices that are processors: shows that everything runs. */
  TINY("tiny", SyntheticModel.shape(2, 256, 4, 2, 512, 1000));

  static final List<QuantFormat> FORMATS =
      List.of(QuantFormat.F16, QuantFormat.Q8_0, QuantFormat.Q4_0);

  private final String label;
  private final TransformerSpec spec;

  GpuShape(String label, TransformerSpec spec) {
    this.label = label;
    this.spec = spec;
  }

  String label() {
    return label;
  }

  TransformerSpec spec() {
    return spec;
  }

  static String name(QuantFormat format) {
    return format.name().toLowerCase(Locale.ROOT);
  }
}
