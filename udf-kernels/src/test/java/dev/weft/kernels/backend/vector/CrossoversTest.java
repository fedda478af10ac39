package dev.weft.kernels.backend.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.RandomTensors;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is measured is kept and read; what it is, is this machine's affair. */
class CrossoversTest {
  private static final WayTimes TIMES =
      new WayTimes(
          new long[] {8_600, 16_800, 25_400, 33_600}, new long[] {17_400, 25_200, 27_700, 27_900});

  @TempDir private Path folder;

  @Test
  void whatIsMeasuredIsKeptAndReadAgain() {
    CrossoverFile file = CrossoverFile.of(folder.resolve("new"), QuantFormat.BF16);
    assertThat(file.read()).isEmpty();
    file.write(3, TIMES);
    assertThat(CrossoverFile.of(folder.resolve("new"), QuantFormat.BF16).read()).hasValue(3);
    assertThat(CrossoverFile.of(folder.resolve("new"), QuantFormat.F16).read()).isEmpty();
    file.write(0, TIMES);
    assertThat(file.read()).hasValue(0);
    assertThat(folder.resolve("new").toFile().list()).hasSize(1);
  }

  @Test
  void theKeyNamesProcessorVectorsJavaAndFormat() {
    assertThat(CrossoverFile.of(folder, QuantFormat.Q8_0).key())
        .contains(
            "vector bits " + 32 * Lanes.COUNT,
            "java " + System.getProperty("java.vm.version"),
            "format Q8_0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"processor", "vector bits", "java", "version", "format"})
  void whatIsOfAnotherMachineOrVersionIsNotRead(String line) throws IOException {
    CrossoverFile file = CrossoverFile.of(folder, QuantFormat.Q8_0);
    file.write(1, TIMES);
    String text = Files.readString(file.path());
    Files.writeString(file.path(), text.replaceFirst("(?m)^" + line + " .*$", line + " other"));
    assertThat(file.read()).isEmpty();
    file.write(2, TIMES);
    assertThat(file.read()).hasValue(2);
  }

  @Test
  void whatIsDamagedIsNotRead() throws IOException {
    CrossoverFile file = CrossoverFile.of(folder, QuantFormat.Q8_0);
    file.write(1, TIMES);
    String text = Files.readString(file.path());
    for (String damaged :
        List.of(
            "",
            "\0\0\0",
            file.key(),
            text.substring(0, text.length() - 1),
            text + "more",
            text.replace("tokens 1", "tokens 9"),
            text.replace("tokens 1", "tokens -1"))) {
      Files.writeString(file.path(), damaged);
      assertThat(file.read()).as(damaged).isEmpty();
    }
    Files.write(file.path(), new byte[] {(byte) 0xff, (byte) 0xfe});
    assertThat(file.read()).isEmpty();
    Files.delete(file.path());
    Files.createDirectory(file.path());
    assertThat(file.read()).isEmpty();
  }

  @Test
  void aFolderThatCannotBeWrittenStopsNothing() throws IOException {
    Path notAFolder = Files.writeString(folder.resolve("file"), "", StandardCharsets.UTF_8);
    CrossoverFile file = CrossoverFile.of(notAFolder, QuantFormat.Q8_0);
    file.write(1, TIMES);
    assertThat(file.read()).isEmpty();
  }

  @Test
  void manyMayWriteAtOnce() throws InterruptedException, ExecutionException {
    CrossoverFile file = CrossoverFile.of(folder, QuantFormat.Q8_0);
    file.write(0, TIMES);
    try (var writers = Executors.newFixedThreadPool(4)) {
      List<Future<?>> done = new ArrayList<>();
      for (int w = 0; w < 4; w++) {
        int tokens = w;
        done.add(
            writers.submit(
                () -> {
                  for (int i = 0; i < 50; i++) {
                    file.write(tokens, TIMES);
                    assertThat(file.read()).isPresent();
                  }
                }));
      }
      for (Future<?> writer : done) {
        writer.get();
      }
    }
    assertThat(folder.toFile().list()).hasSize(1);
  }

  @Test
  void aKeptNumberIsTakenWithoutMeasuring() {
    // Four is what no machine measured: tiles win where weights are decoded for four tokens.
    CrossoverFile.of(folder, QuantFormat.F16).write(4, TIMES);
    assertThat(Crossovers.find(QuantFormat.F16, folder)).isEqualTo(4);
  }

  @Test
  void whatIsFoundIsKept() {
    int found = Crossovers.find(QuantFormat.BF16, folder);
    assertThat(found).isBetween(0, WayTuner.MOST);
    // On a machine that is too busy for times to settle nothing is kept.
    assertThat(CrossoverFile.of(folder, QuantFormat.BF16).read().orElse(Matmul.AT_ONCE))
        .isEqualTo(found);
  }

  @Test
  void tuningChangesNoBit() {
    for (QuantFormat format : QuantFormat.values()) {
      CrossoverFile.of(folder, format).write(format.ordinal() % (WayTuner.MOST + 1), TIMES);
    }
    var random = new Random(20261126);
    try (Arena arena = Arena.ofShared();
        var backend = new VectorBackend(new BackendConfig(2).tunedIn(folder))) {
      for (QuantFormat format : QuantFormat.values()) {
        int columns = Math.max(format.blockElements(), 256);
        Tensor tensor = new RandomTensors(random, arena).matrix(format, 70, columns, 1);
        float[][] rows = new float[5][];
        for (int r = 0; r < rows.length; r++) {
          rows[r] = new RandomTensors(random, arena).values(columns, 1);
        }
        try (Weights weights = backend.prepare(List.of(tensor))) {
          List<float[]> before = products(backend, weights, rows);
          backend.tune(EnumSet.of(format));
          List<float[]> after = products(backend, weights, rows);
          for (int i = 0; i < before.size(); i++) {
            assertThat(after.get(i)).as("%s, product %d", format, i).containsExactly(before.get(i));
          }
        }
      }
    }
  }

  private static List<float[]> products(VectorBackend backend, Weights weights, float[][] rows) {
    var products = new ArrayList<float[]>();
    for (int count = 1; count <= rows.length; count++) {
      var out = backend.allocate(count, weights.outputs());
      backend.matmul(weights, RandomTensors.activations(backend, rows), count, out);
      for (int r = 0; r < count; r++) {
        products.add(RandomTensors.row(out, r, weights.outputs()));
      }
    }
    return products;
  }
}
