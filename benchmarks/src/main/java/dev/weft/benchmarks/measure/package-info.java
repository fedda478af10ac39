/**
 * What benchmarks of whole engines share: measures taken in turns, results as lines of JSON,
 * forward passes below the scheduler.
 */
package dev.weft.benchmarks.measure;
