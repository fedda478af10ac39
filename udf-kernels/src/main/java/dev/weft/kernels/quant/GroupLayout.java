package dev.weft.kernels.quant;

/**
 * How a {@link GroupCodec} makes values of integers.
 *
 * @param elements values of a block
 * @param groupElements values that share a scale, 16 or 32
 * @param bits of an integer, at most 6
 * @param center what is subtracted from an integer first
 * @param hasAddend whether something is added last
 */
public record GroupLayout(
    int elements, int groupElements, int bits, int center, boolean hasAddend) {}
