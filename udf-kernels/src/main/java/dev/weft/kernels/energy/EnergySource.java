package dev.weft.kernels.energy;

/**
 * Where a number of joules comes from; written beside every one of them.
 *
 * @param name {@code nvml}, {@code rapl}, {@code estimate:cpu-time}, or several joined by {@code +}
 *     where a meter sums them, such as {@code nvml+rapl}
 * @param measured whether a counter of the hardware was read; false if any part is an estimate
 */
public record EnergySource(String name, boolean measured) {
  @Override
  public String toString() {
    return name;
  }
}
