/**
 * The CPU backend on the Vector API. Weights are repacked at load so that vector lanes run over
 * output rows; every sum over an inner dimension is one sequential chain of fused multiply-adds,
 * for weights of four bits one of blocks whose own sums are exact integers, so results do not
 * depend on the batch, the threads or the width of the vectors.
 *
 * <p>Loops are short and rolled, with at most eight accumulators: unrolled by hand they exceed the
 * compiler's inlining limits, vectors become objects, and speed falls by tens of times.
 */
package dev.weft.kernels.backend.vector;
