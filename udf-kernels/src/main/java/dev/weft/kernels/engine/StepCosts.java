package dev.weft.kernels.engine;

import dev.weft.batching.schedule.Sequence;
import dev.weft.batching.schedule.Step;
import dev.weft.kernels.model.TransformerSpec;

/**
 * Divides the energy of a step among its sequences by the floating-point operations they ask for: 2
 * for each parameter and token, 4 for each query-key pair, layer and element of attention width.
 */
final class StepCosts {
  private final double perToken;
  private final double perLogits;
  private final double perPair;
  private double[] costs = new double[64];

  StepCosts(TransformerSpec spec) {
    long head = (long) spec.vocabSize() * spec.embeddingLength();
    perToken = 2.0 * (spec.parametersPerToken() - head);
    perLogits = 2.0 * head;
    perPair = 4.0 * spec.attentionWidth() * spec.layers();
  }

  void share(Step step, double joules) {
    int count = step.sequences();
    if (costs.length < count) {
      costs = new double[2 * count];
    }
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double tokens = step.count(i);
      double pairs = tokens * step.from(i) + tokens * (tokens + 1) / 2;
      costs[i] = tokens * perToken + (step.logits(i) ? perLogits : 0) + pairs * perPair;
      sum += costs[i];
    }
    for (int i = 0; i < count; i++) {
      Sequence sequence = step.sequence(i);
      ((Answer) sequence.handle()).energyJoules += joules * costs[i] / sum;
    }
  }
}
