package dev.weft.batching.cost;

/**
 * What a plan makes little of: a sum over the seconds that a run takes, the seconds of computing
 * and the seconds of memory traffic in it (before they overlap). Time counts the first alone;
 * energy counts all three, so that a token computed twice costs its joules also where its time
 * hides behind memory traffic; money is time and energy at their prices.
 *
 * @param name {@code time}, {@code energy} or {@code cost}
 * @param perSecond of a second, in {@code unit}
 * @param perComputeSecond beyond that, of a second of computing
 * @param perMemorySecond beyond that, of a second of reading
 * @param unit seconds, joules or a currency
 */
public record Objective(
    String name, double perSecond, double perComputeSecond, double perMemorySecond, String unit) {
  public static final Objective TIME = new Objective("time", 1, 0, 0, "s");

  public Objective {
    boolean known = perSecond >= 0 && perComputeSecond >= 0 && perMemorySecond >= 0;
    if (!known || perSecond + perComputeSecond + perMemorySecond == 0) {
      throw new IllegalArgumentException(
          "objective '"
              + name
              + "' counts "
              + perSecond
              + ", "
              + perComputeSecond
              + " and "
              + perMemorySecond
              + " "
              + unit
              + " a second: all must be known, none below 0, one above");
    }
  }

  /**
   * Energy of a device.
   *
   * @throws IllegalArgumentException if its power is not known
   */
  public static Objective energy(DeviceProfile device) {
    PowerModel power = device.power();
    return new Objective(
        "energy",
        power.idleWatts(),
        power.joulesPerFlop() * device.flopsPerSecond(),
        power.joulesPerByte() * device.bytesPerSecond(),
        "J");
  }

  /**
   * Money for a device.
   *
   * @throws IllegalArgumentException if there is no price, or energy has one and the power is not
   *     known
   */
  public static Objective cost(DeviceProfile device, Prices prices) {
    double perHour = prices.perDeviceHour() / 3600;
    if (prices.perKwh() == 0) {
      return new Objective("cost", perHour, 0, 0, prices.currency());
    }
    Objective joules = energy(device);
    double perJoule = prices.perKwh() / 3.6e6;
    return new Objective(
        "cost",
        perHour + perJoule * joules.perSecond,
        perJoule * joules.perComputeSecond,
        perJoule * joules.perMemorySecond,
        prices.currency());
  }

  /** Value of a run; little is good. */
  public double value(double seconds, double computeSeconds, double memorySeconds) {
    return perSecond * seconds
        + perComputeSecond * computeSeconds
        + perMemorySecond * memorySeconds;
  }

  /**
   * How much a second of computing that is done once more costs against a second that overlapping
   * saves: 1 for time, infinite where only work counts.
   */
  public double recomputeFactor() {
    return perSecond == 0 ? Double.POSITIVE_INFINITY : 1 + perComputeSecond / perSecond;
  }
}
