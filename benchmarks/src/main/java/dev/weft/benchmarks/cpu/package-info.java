/**
 * The CPU engine beside llama.cpp and Jlama and the limits of the machine, measured in turns in one
 * process: same weights, same tokens, same threads.
 */
package dev.weft.benchmarks.cpu;
