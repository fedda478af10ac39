package dev.weft.batching.cost;

/**
 * Prices and power for cost and energy predictions; {@code NaN} where a number is not known.
 *
 * @param watts average power of one device under load
 * @param currencyPerDeviceHour price of one device for an hour
 * @param currency its name, for example {@code EUR}
 * @param source where the numbers come from, for reports
 */
public record RunPrices(
    double watts, double currencyPerDeviceHour, String currency, String source) {
  public static final RunPrices UNKNOWN = new RunPrices(Double.NaN, Double.NaN, "", "none given");

  /** Energy of that many seconds of one device; {@code NaN} if the power is not known. */
  public double energyJoules(double deviceSeconds) {
    return deviceSeconds * watts;
  }

  /** Price of that many seconds of one device; {@code NaN} if the price is not known. */
  public double cost(double deviceSeconds) {
    return deviceSeconds / 3600 * currencyPerDeviceHour;
  }
}
