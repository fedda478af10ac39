package dev.weft.batching.cost;

/**
 * What a run is paid with; 0 for what costs nothing.
 *
 * @param perDeviceHour price of one device for an hour
 * @param perKwh price of a kilowatt hour
 * @param currency of both
 */
public record Prices(double perDeviceHour, double perKwh, String currency) {
  public static final Prices NONE = new Prices(0, 0, "");

  public boolean none() {
    return perDeviceHour == 0 && perKwh == 0;
  }

  /**
   * Money for seconds of one device and their energy; {@code NaN} if there are no prices, or energy
   * has one and is not known.
   */
  public double money(double deviceSeconds, double energyJoules) {
    if (none()) {
      return Double.NaN;
    }
    double energy = perKwh == 0 ? 0 : energyJoules / 3.6e6 * perKwh;
    return deviceSeconds / 3600 * perDeviceHour + energy;
  }
}
