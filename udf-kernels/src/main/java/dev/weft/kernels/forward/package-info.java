/** The one forward pass: driven by a model's spec, for all architectures and backends. */
package dev.weft.kernels.forward;
