package dev.weft.jobs.infer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jobs.prepare.ModelFile;
import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.backend.scalar.ScalarProvider;
import dev.weft.kernels.kv.KvFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rates belong to what they were measured on, by its name. */
class DeviceNameTest {
  private static final String GPU = "Radeon (GPU, OPENCL, 16 GB)";
  private static final String POCL = "Radeon (CPU, OPENCL, 16 GB)";
  private static final String CUDA = "Radeon (GPU, CUDA, 16 GB)";

  private record Devices(List<String> devices) implements BackendProvider {
    @Override
    public String name() {
      return "tornado";
    }

    @Override
    public int priority() {
      return -1;
    }

    @Override
    public Availability availability() {
      return Availability.YES;
    }

    @Override
    public Backend open(BackendConfig config) {
      throw new UnsupportedOperationException();
    }
  }

  private static String file(String backend, String device, int seconds) {
    return file(backend, device, seconds, false, CudaGraphs.AUTO);
  }

  private static String file(
      String backend, String device, int seconds, boolean tensorCores, CudaGraphs cudaGraphs) {
    EngineSpec spec =
        new EngineSpec(
            new ModelFile("m.gguf", 1, "0".repeat(64), ""),
            backend,
            0,
            1,
            1 << 20,
            KvFormat.F16,
            tensorCores,
            cudaGraphs,
            16,
            0,
            64,
            8,
            1,
            42,
            3,
            600,
            30,
            "",
            "");
    return DeviceCalibration.fileName(spec, device, seconds);
  }

  @Test
  void aBackendsDeviceIsNamedByIt() {
    Devices devices = new Devices(List.of(GPU, CUDA));
    assertThat(Machine.device(devices, 1)).isEqualTo(CUDA);
    assertThat(Machine.device(devices, 2)).isEqualTo("device 2 of backend tornado");
    assertThat(Machine.device(new ScalarProvider(), 0)).isEqualTo(Machine.cpu());
  }

  @Test
  void ratesOfAProcessorAreNotThoseOfAGpu() {
    List<String> files =
        List.of(
            file("tornado", GPU, 0),
            file("tornado", POCL, 0),
            file("tornado", CUDA, 0),
            file("tornado", CUDA, 1),
            file("tornado", CUDA, 0, true, CudaGraphs.AUTO),
            file("tornado", CUDA, 0, false, CudaGraphs.FALSE),
            file("vector", Machine.cpu(), 0));
    assertThat(files)
        .doesNotHaveDuplicates()
        .allMatch(name -> name.matches("rates-[A-Za-z0-9_-]+\\.json"));
    assertThat(files.get(1)).contains("-tornado-", "-CPU-OPENCL-");
  }
}
