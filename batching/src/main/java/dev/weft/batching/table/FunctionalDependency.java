package dev.weft.batching.table;

/**
 * Rows that agree in column {@code from} agree in column {@code to}.
 *
 * @param from determining column
 * @param to determined column
 */
public record FunctionalDependency(int from, int to) {}
