package dev.weft.kernels.energy;

/**
 * Whether a source of joules can be read here.
 *
 * @param source its name, as in {@link EnergySource#name}
 * @param available whether it can be read
 * @param detail what was found, or what is missing
 * @param hint how to get it; empty where it is there
 */
public record EnergyProbe(String source, boolean available, String detail, String hint) {}
