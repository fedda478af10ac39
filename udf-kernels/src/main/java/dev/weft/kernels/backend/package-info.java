/**
 * Where tensors are computed: a {@link dev.weft.kernels.backend.Backend} has the operations of the
 * forward pass.
 */
package dev.weft.kernels.backend;
