package dev.weft.batching.cost;

/**
 * A device that is known from published numbers instead of a calibration: its rates, and the memory
 * that bounds the KV cache.
 *
 * @param profile rates and overlap; its source names the preset
 * @param memoryBytes memory of the device
 * @param reservedBytes memory that holds neither weights nor KV: activations, workspaces
 * @param sources where every number comes from, and which are assumed
 */
public record DevicePreset(
    DeviceProfile profile, double memoryBytes, double reservedBytes, String sources) {

  public DevicePreset {
    if (!(memoryBytes > reservedBytes) || !(reservedBytes >= 0)) {
      throw new IllegalArgumentException(
          "device preset '"
              + profile.device()
              + "' has "
              + memoryBytes
              + " bytes of memory and reserves "
              + reservedBytes
              + ": the reserve must be at least 0 and below the memory");
    }
  }

  /**
   * Tokens whose K and V fit beside the weights of a model.
   *
   * @throws IllegalArgumentException if not even one does
   */
  public long kvBudgetTokens(ModelShape model) {
    double bytes = memoryBytes - reservedBytes - model.weightBytes();
    long tokens = (long) (bytes / model.kvBytesPerToken());
    if (tokens < 1) {
      throw new IllegalArgumentException(
          "a model with "
              + model.weightBytes()
              + " bytes of weights leaves no room for KV in the "
              + memoryBytes
              + " bytes of '"
              + profile.device()
              + "': use more devices");
    }
    return tokens;
  }

  /**
   * The same device with another overlap.
   *
   * @param overlap {@code w} in 0..1
   */
  public DevicePreset withOverlap(double overlap) {
    return new DevicePreset(profile.withOverlap(overlap), memoryBytes, reservedBytes, sources);
  }

  /**
   * The same device with attention that reads the KV of a shared prefix once for several sequences,
   * as those of FlashInfer (arXiv 2501.01005) and Hydragen (arXiv 2402.05099) do. Off in the
   * presets: the engines that their numbers come from do not.
   *
   * @param sequences most sequences of one read, at least 2 to have an effect
   */
  public DevicePreset withSharedReads(int sequences) {
    return new DevicePreset(
        profile.withSharedReadGroup(sequences),
        memoryBytes,
        reservedBytes,
        sources + "; shared prefixes read once for up to " + sequences + " sequences (assumed)");
  }

  /**
   * Several of them as one device by tensor parallelism: rates and memory are multiplied, and the
   * collectives count as hidden behind computing (NanoFlow, arXiv 2408.12757, overlaps them).
   *
   * @param devices degree, at least 1
   */
  public DevicePreset tensorParallel(int devices) {
    if (devices < 1) {
      throw new IllegalArgumentException(
          "tensor parallelism needs at least one device, got " + devices);
    }
    if (devices == 1) {
      return this;
    }
    DeviceProfile all =
        new DeviceProfile(
            devices + " x " + profile.device(),
            devices * profile.flopsPerSecond(),
            devices * profile.bytesPerSecond(),
            profile.overlap(),
            profile.source() + ", tensor parallel " + devices,
            profile.stepOverheadSeconds(),
            profile.sharedReadGroup(),
            profile.attentionFraction(),
            profile.power().times(devices));
    return new DevicePreset(
        all,
        devices * memoryBytes,
        devices * reservedBytes,
        sources + "; " + devices + " devices: rates and memory times " + devices);
  }
}
