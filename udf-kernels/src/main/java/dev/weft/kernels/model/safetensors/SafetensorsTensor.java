package dev.weft.kernels.model.safetensors;

import java.util.List;

/**
 * Where a tensor lies in a file.
 *
 * @param name unique in the file
 * @param dtype element type
 * @param shape dimensions, not negative, the slowest running first; empty for a scalar
 * @param offset of the first byte, from the beginning of the file
 * @param bytes length
 */
public record SafetensorsTensor(
    String name, Dtype dtype, List<Long> shape, long offset, long bytes) {}
