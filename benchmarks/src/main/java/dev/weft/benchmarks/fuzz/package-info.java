/**
 * Mutated hostile inputs for every reader of the product: model files, request lines, tokenizers,
 * chat templates, tables. A new reader is one {@link dev.weft.benchmarks.fuzz.FuzzTarget} in {@link
 * dev.weft.benchmarks.fuzz.FuzzTargets}.
 */
package dev.weft.benchmarks.fuzz;
