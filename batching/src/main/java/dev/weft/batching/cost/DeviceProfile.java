package dev.weft.batching.cost;

/**
 * Sustained rates of one device, as a calibration measured them with the backend that will run.
 *
 * @param device name for reports
 * @param flopsPerSecond sustained rate of the matrix products, 2 per multiply-add
 * @param bytesPerSecond sustained rate of reading weights and KV
 * @param overlap {@code w} in 0..1: 0 means compute and memory traffic run one after the other, 1
 *     that they hide each other perfectly
 * @param source where the numbers come from: {@code calibration}, {@code preset:<name>}, {@code
 *     assumed}
 * @param stepOverheadSeconds time of a step that does not depend on its tokens
 * @param sharedReadGroup most sequences that attention serves with one read of the KV of a shared
 *     prefix; 1: every sequence reads it by itself
 * @param attentionFraction part of the square {@code p^2} that prefill attention really computes: 1
 *     without, 0.5 with skipping of the causally masked half
 * @param power what it draws, {@link PowerModel#UNKNOWN} if nothing is known of it
 */
public record DeviceProfile(
    String device,
    double flopsPerSecond,
    double bytesPerSecond,
    double overlap,
    String source,
    double stepOverheadSeconds,
    int sharedReadGroup,
    double attentionFraction,
    PowerModel power) {

  public DeviceProfile {
    if (power == null) {
      throw new IllegalArgumentException("device profile '" + device + "' has no power model");
    }
    if (!(flopsPerSecond > 0) || !(bytesPerSecond > 0)) {
      throw new IllegalArgumentException(
          "device profile '"
              + device
              + "' needs positive rates, got "
              + flopsPerSecond
              + " flop/s and "
              + bytesPerSecond
              + " byte/s: calibrate again");
    }
    if (!(overlap >= 0 && overlap <= 1)) {
      throw new IllegalArgumentException(
          "device profile '" + device + "' has overlap " + overlap + ", it must be in 0..1");
    }
    if (sharedReadGroup < 1) {
      throw new IllegalArgumentException(
          "device profile '" + device + "' has sharedReadGroup " + sharedReadGroup + ", below 1");
    }
    if (!(stepOverheadSeconds >= 0) || !(attentionFraction > 0 && attentionFraction <= 1)) {
      throw new IllegalArgumentException(
          "device profile '"
              + device
              + "' has step overhead "
              + stepOverheadSeconds
              + " s and attention fraction "
              + attentionFraction
              + ": the first must be >= 0, the second in (0, 1]");
    }
  }

  /** Rates and overlap only: no step overhead, every sequence reads its own KV, full square. */
  public DeviceProfile(
      String device, double flopsPerSecond, double bytesPerSecond, double overlap, String source) {
    this(device, flopsPerSecond, bytesPerSecond, overlap, source, 0, 1, 1);
  }

  /** A device of unknown power. */
  public DeviceProfile(
      String device,
      double flopsPerSecond,
      double bytesPerSecond,
      double overlap,
      String source,
      double stepOverheadSeconds,
      int sharedReadGroup,
      double attentionFraction) {
    this(
        device,
        flopsPerSecond,
        bytesPerSecond,
        overlap,
        source,
        stepOverheadSeconds,
        sharedReadGroup,
        attentionFraction,
        PowerModel.UNKNOWN);
  }

  public DeviceProfile withOverlap(double newOverlap) {
    return new DeviceProfile(
        device,
        flopsPerSecond,
        bytesPerSecond,
        newOverlap,
        source,
        stepOverheadSeconds,
        sharedReadGroup,
        attentionFraction,
        power);
  }

  /** The same device with another {@code sharedReadGroup}. */
  public DeviceProfile withSharedReadGroup(int sequences) {
    return new DeviceProfile(
        device,
        flopsPerSecond,
        bytesPerSecond,
        overlap,
        source,
        stepOverheadSeconds,
        sequences,
        attentionFraction,
        power);
  }

  public DeviceProfile withPower(PowerModel newPower) {
    return new DeviceProfile(
        device,
        flopsPerSecond,
        bytesPerSecond,
        overlap,
        source,
        stepOverheadSeconds,
        sharedReadGroup,
        attentionFraction,
        newPower);
  }

  /**
   * Joules of a run; {@code NaN} if the power is not known.
   *
   * @param seconds that it takes
   * @param computeSeconds its compute part before overlapping
   * @param memorySeconds its memory part before overlapping
   */
  public double energyJoules(double seconds, double computeSeconds, double memorySeconds) {
    return power.idleWatts() * seconds
        + power.joulesPerFlop() * flopsPerSecond * computeSeconds
        + power.joulesPerByte() * bytesPerSecond * memorySeconds;
  }
}
