/** Speed of the kernels, beside the limits of the machine measured in the same run. */
package dev.weft.benchmarks.kernel;
