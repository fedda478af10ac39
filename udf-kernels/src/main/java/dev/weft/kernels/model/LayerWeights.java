package dev.weft.kernels.model;

/**
 * Weights of one transformer block, {@code [rows, columns]}.
 *
 * @param attentionNorm {@code [1, embedding]}
 * @param query {@code [attentionWidth, embedding]}
 * @param key {@code [kvWidth, embedding]}
 * @param value {@code [kvWidth, embedding]}
 * @param attentionOutput {@code [embedding, attentionWidth]}
 * @param feedForwardNorm {@code [1, embedding]}
 * @param gate {@code [feedForward, embedding]}
 * @param up {@code [feedForward, embedding]}
 * @param down {@code [embedding, feedForward]}
 */
public record LayerWeights(
    Tensor attentionNorm,
    Tensor query,
    Tensor key,
    Tensor value,
    Tensor attentionOutput,
    Tensor feedForwardNorm,
    Tensor gate,
    Tensor up,
    Tensor down) {}
