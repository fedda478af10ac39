/** Off-heap memory under a budget. */
package dev.weft.kernels.memory;
