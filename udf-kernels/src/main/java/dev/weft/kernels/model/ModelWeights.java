package dev.weft.kernels.model;

import java.util.List;

/**
 * All weights by role.
 *
 * @param tokenEmbedding {@code [vocab, embedding]}
 * @param layers one for each transformer block
 * @param outputNorm {@code [1, embedding]}
 * @param output {@code [vocab, embedding]}; the token embedding itself where the two are tied
 */
public record ModelWeights(
    Tensor tokenEmbedding, List<LayerWeights> layers, Tensor outputNorm, Tensor output) {}
