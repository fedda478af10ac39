/** Number formats of weights: block geometry and the reference encoding and decoding of each. */
package dev.weft.kernels.quant;
