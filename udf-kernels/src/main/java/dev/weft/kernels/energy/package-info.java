/**
 * Joules of the devices a run uses, each with its source: a counter of the hardware, or an
 * estimate.
 */
package dev.weft.kernels.energy;
