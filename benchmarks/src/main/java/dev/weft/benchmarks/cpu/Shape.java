package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.kernel.SyntheticFile;
import dev.weft.benchmarks.kernel.SyntheticModel;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;

/** A shape of synthetic models, and their files, which are made once and kept. */
enum Shape {
  M135("135m", SyntheticModel.shape135m()),
  B1("1b", SyntheticModel.shape1b()),

  /** To see that everything runs. */
  TINY("tiny", SyntheticModel.shape(2, 256, 4, 2, 512, 1000));

  /** Formats that are compared. */
  static final List<QuantFormat> FORMATS =
      List.of(QuantFormat.Q8_0, QuantFormat.Q4_0, QuantFormat.F16);

  /** Longest sequence of the models: that of {@code long.context} and its answer. */
  static final int CONTEXT_TOKENS = 8192 + 512;

  private final String label;
  private final TransformerSpec spec;

  Shape(String label, TransformerSpec spec) {
    this.label = label;
    this.spec = spec;
  }

  String label() {
    return label;
  }

  TransformerSpec spec() {
    return spec;
  }

  /** The model of a format, written if it is not there yet. */
  Path file(Path folder, QuantFormat format, long seed) throws IOException {
    Files.createDirectories(folder);
    Path file =
        folder.resolve("%s-%s-%d-%d.gguf".formatted(label, name(format), CONTEXT_TOKENS, seed));
    if (!Files.exists(file)) {
      System.err.println("cpu: writing " + file);
      // Under another name first: a file that is there is whole.
      Path part = Files.createTempFile(folder, label, ".part");
      try {
        SyntheticFile.write(part, spec, CONTEXT_TOKENS, format, seed);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
    }
    return file;
  }

  static String name(QuantFormat format) {
    return format.name().toLowerCase(Locale.ROOT);
  }
}
