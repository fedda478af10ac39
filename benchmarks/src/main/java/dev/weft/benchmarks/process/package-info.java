/** What this process holds, and whether it grows. */
package dev.weft.benchmarks.process;
