package dev.weft.kernels.energy;

/**
 * Watts of a CPU from how busy this process keeps it: {@code idleWatts} all the time, and {@code
 * busyWattsPerCore} more for every core's worth of CPU time the process uses. It knows nothing of
 * frequency, vector units or memory, so two runs compare well on one machine and badly across two;
 * set the numbers from a wall meter where they matter.
 *
 * @param idleWatts of all processors together, in watts
 * @param busyWattsPerCore watts one processor takes at full load beyond idle
 */
public record CpuPowerModel(double idleWatts, double busyWattsPerCore) {
  /**
   * Watts of one hardware thread of a server, idle. With the next one, the average over the
   * processors of a large cloud that the Cloud Carbon Footprint project derives from SPECpower_ssj
   * 2008 results: 0.74 W idle, 3.50 W at full load, without memory.
   */
  public static final double DEFAULT_IDLE_WATTS_PER_PROCESSOR = 0.74;

  /** Watts of one hardware thread of a server at full load, beyond idle. */
  public static final double DEFAULT_BUSY_WATTS_PER_PROCESSOR = 3.50 - 0.74;

  public CpuPowerModel {
    if (!(idleWatts >= 0 && idleWatts < 1e6)
        || !(busyWattsPerCore >= 0 && busyWattsPerCore < 1e6)) {
      throw new IllegalArgumentException(
          "watts must be between 0 and 1,000,000, not "
              + idleWatts
              + " idle and "
              + busyWattsPerCore
              + " busy");
    }
  }

  /** The defaults, for the processors this JVM may use. */
  public static CpuPowerModel ofMachine() {
    return new CpuPowerModel(
        DEFAULT_IDLE_WATTS_PER_PROCESSOR * Runtime.getRuntime().availableProcessors(),
        DEFAULT_BUSY_WATTS_PER_PROCESSOR);
  }

  /**
   * Joules of a span of time.
   *
   * @param elapsedSeconds of the clock
   * @param cpuSeconds of CPU time the process used, over all cores
   */
  public double joules(double elapsedSeconds, double cpuSeconds) {
    return idleWatts * elapsedSeconds + busyWattsPerCore * cpuSeconds;
  }
}
