package dev.weft.batching.cost;

/**
 * Power of one device: {@code idleWatts} all the time, and energy for each floating-point operation
 * and each byte read from its memory. {@code NaN} where it is not known.
 *
 * @param idleWatts power with nothing to do, the part of the machine that is counted included
 * @param joulesPerFlop beyond that, 2 operations per multiply-add
 * @param joulesPerByte beyond that, of weights and KV
 * @param source where the numbers come from, for reports
 */
public record PowerModel(
    double idleWatts, double joulesPerFlop, double joulesPerByte, String source) {
  public static final PowerModel UNKNOWN =
      new PowerModel(Double.NaN, Double.NaN, Double.NaN, "unknown");

  public PowerModel {
    if (idleWatts < 0 || joulesPerFlop < 0 || joulesPerByte < 0) {
      throw new IllegalArgumentException(
          "a power model needs numbers of at least 0, got "
              + idleWatts
              + " W, "
              + joulesPerFlop
              + " J/flop and "
              + joulesPerByte
              + " J/byte");
    }
  }

  /** A device of which only the mean power under load is known. */
  public static PowerModel constant(double watts, String source) {
    return new PowerModel(watts, 0, 0, source + ", the same whatever the device does");
  }

  public boolean known() {
    return !Double.isNaN(idleWatts + joulesPerFlop + joulesPerByte);
  }

  /** The same for several devices that work as one. */
  PowerModel times(int devices) {
    return new PowerModel(devices * idleWatts, joulesPerFlop, joulesPerByte, source);
  }
}
