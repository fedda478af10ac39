package dev.weft.benchmarks.cpu;

import java.nio.file.Path;
import java.util.List;

/**
 * How much is measured, and with what.
 *
 * @param threads of every engine
 * @param quick fewer models, repetitions and requests
 * @param smoke a tiny model and next to no work, to see that everything runs; its numbers say
 *     nothing
 * @param repetitions of everything that takes milliseconds to seconds
 * @param requests of the batch with shared prefixes
 * @param peerRequests of them that the peer is given, the first in each order
 * @param binding whether llama.cpp is measured through its binding too, which takes longest
 * @param seed of weights, tokens and orders
 * @param work folder for models and outputs
 * @param data folder of texts, tokenizers and trained models outside of the project
 */
record Setting(
    int threads,
    boolean quick,
    boolean smoke,
    int repetitions,
    int requests,
    int peerRequests,
    boolean binding,
    long seed,
    Path work,
    Path data) {
  /** Why there is no value of what only the full mode measures by itself. */
  static final String LEFT_OUT = "quick mode leaves it out; --only with its whole name takes it";

  /** Shapes whose steps are measured. */
  List<Shape> shapes() {
    return smoke ? List.of(Shape.TINY) : List.of(Shape.M135, Shape.B1);
  }

  /** The shape of measurements that take one. */
  Shape smallShape() {
    return smoke ? Shape.TINY : Shape.M135;
  }

  /** Rounds before the first that counts: code is compiled and memory touched in them. */
  int warmUp() {
    return quick ? 1 : 2;
  }

  /** Repetitions of what takes many seconds. */
  int longRepetitions() {
    return Math.min(repetitions, 3);
  }
}
