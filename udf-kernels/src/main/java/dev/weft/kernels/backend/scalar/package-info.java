/** The reference backend: plain loops over the weights as they are in the file, sums in double. */
package dev.weft.kernels.backend.scalar;
