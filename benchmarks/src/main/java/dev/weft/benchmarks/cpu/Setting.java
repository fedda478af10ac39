package dev.weft.benchmarks.cpu;

import java.nio.file.Path;

/**
 * How much is measured, and with what.
 *
 * @param threads of every engine
 * @param quick fewer models, repetitions and requests
 * @param repetitions of everything that takes milliseconds to seconds
 * @param requests of the batch with shared prefixes
 * @param seed of weights, tokens and orders
 * @param work folder for models and outputs
 * @param data folder of texts, tokenizers and trained models outside of the project
 */
record Setting(
    int threads, boolean quick, int repetitions, int requests, long seed, Path work, Path data) {
  /** Rounds before the first that counts: code is compiled and memory touched in them. */
  int warmUp() {
    return quick ? 1 : 2;
  }

  /** Repetitions of what takes many seconds. */
  int longRepetitions() {
    return Math.min(repetitions, 3);
  }
}
