package dev.weft.kernels.model;

/**
 * Weights of one SwiGLU block: the only one of a layer, or one expert.
 *
 * @param gate {@code [feedForward, embedding]}
 * @param up {@code [feedForward, embedding]}
 * @param down {@code [embedding, feedForward]}
 */
public record FeedForward(Tensor gate, Tensor up, Tensor down) {}
