package dev.weft.kernels.energy;

/**
 * Joules used since the meter was opened, by the whole device it reads (not by this process alone)
 * unless its source says otherwise. Safe for many threads.
 */
public interface EnergyMeter extends AutoCloseable {
  /** What the joules were read from. */
  EnergySource source();

  /** Joules since the meter was opened; never less than an earlier answer. */
  double joules();

  @Override
  void close();
}
