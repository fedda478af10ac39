/** Faults on real processes: what a run loses, repeats and costs when parts of it are killed. */
package dev.weft.benchmarks.recovery;
