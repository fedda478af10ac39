package dev.weft.benchmarks.gpu;

import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import java.util.List;

/**
 * What is measured, and how much of it.
 *
 * @param provider of the backend
 * @param device which of its devices, from 0
 * @param gpu whether that is a GPU; else only a tiny shape is run and speeds are compared with
 *     nothing
 * @param quick fewer models, batches and repetitions
 * @param repetitions of each measure
 * @param seed of weights and tokens
 * @param tensorCores whether products are those of tensor cores
 */
record GpuSetting(
    BackendProvider provider,
    int device,
    boolean gpu,
    boolean quick,
    int repetitions,
    long seed,
    boolean tensorCores) {
  Backend open() {
    var machine = new BackendConfig(Runtime.getRuntime().availableProcessors());
    return provider.open(machine.onDevice(device).withTensorCores(tensorCores));
  }

  GpuSetting withTensorCores() {
    return new GpuSetting(provider, device, gpu, quick, repetitions, seed, true);
  }

  /** What names of lines end with. */
  String suffix() {
    return tensorCores ? ".tensor" : "";
  }

  List<GpuShape> shapes() {
    return gpu ? List.of(GpuShape.LLAMA_1B, GpuShape.LLAMA_8B) : List.of(GpuShape.TINY);
  }

  /** Sequences of decode steps. */
  List<Integer> batches() {
    return !gpu ? List.of(1, 8) : quick ? List.of(1, 128) : List.of(1, 32, 128, 256);
  }

  /** Tokens of a prompt, computed in one step. */
  int promptTokens() {
    return gpu ? 512 : 48;
  }

  /** Tokens that sequences have before their decode steps. */
  int contextTokens() {
    return !gpu ? 32 : quick ? 128 : 256;
  }

  /** Rounds before the first that counts: programs are compiled in them. */
  int warmUp() {
    return gpu ? 3 : 1;
  }

  /** Of a window in which energy is metered: counters of GPUs move ten times a second. */
  double energySeconds() {
    return !gpu ? 0.2 : quick ? 2 : 5;
  }
}
