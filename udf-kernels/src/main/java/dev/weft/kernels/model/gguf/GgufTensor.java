package dev.weft.kernels.model.gguf;

import dev.weft.kernels.quant.QuantFormat;
import java.util.List;

/**
 * Where a tensor lies in a file.
 *
 * @param name unique in the file
 * @param format number format
 * @param shape 1 to 4 positive dimensions, the fastest running first (ggml's {@code ne})
 * @param offset of the first byte, from the beginning of the file
 * @param bytes length
 */
public record GgufTensor(
    String name, QuantFormat format, List<Long> shape, long offset, long bytes) {}
