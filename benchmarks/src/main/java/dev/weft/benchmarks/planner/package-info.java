/**
 * Measures the planner: policies against each other, against bounds, and against published runs.
 */
package dev.weft.benchmarks.planner;
