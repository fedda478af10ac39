package dev.weft.kernels.forward;

import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.ModelWeights;
import dev.weft.kernels.model.RopeSpec;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import java.util.ArrayList;
import java.util.List;

/** A llama forward pass in float64 over decoded weights, one token at a time; shares no kernel. */
final class ReferenceForward {
  private final TransformerSpec spec;
  private final float[][] embedding;
  private final float[][] output;
  private final float[] outputNorm;
  private final List<Block> blocks = new ArrayList<>();
  private boolean roundsActivations;
  private int position;
  private double[] logits;

  private record Block(
      float[] attentionNorm,
      float[][] query,
      float[][] key,
      float[][] value,
      float[][] attentionOutput,
      float[] feedForwardNorm,
      float[][] gate,
      float[][] up,
      float[][] down,
      List<double[]> keys,
      List<double[]> values) {}

  ReferenceForward(TransformerSpec spec, ModelWeights weights) {
    this.spec = spec;
    embedding = decode(weights.tokenEmbedding());
    output = decode(weights.output());
    outputNorm = decode(weights.outputNorm())[0];
    for (LayerWeights layer : weights.layers()) {
      blocks.add(
          new Block(
              decode(layer.attentionNorm())[0],
              decode(layer.query()),
              decode(layer.key()),
              decode(layer.value()),
              decode(layer.attentionOutput()),
              decode(layer.feedForwardNorm())[0],
              decode(layer.gate()),
              decode(layer.up()),
              decode(layer.down()),
              new ArrayList<>(),
              new ArrayList<>()));
    }
  }

  /** Rounds what matrices are multiplied with, as {@link Weights#roundsActivations} says. */
  void roundActivations() {
    roundsActivations = true;
  }

  private static float[][] decode(Tensor tensor) {
    float[][] rows = new float[tensor.rows()][tensor.columns()];
    for (int r = 0; r < rows.length; r++) {
      tensor.decodeRow(r, rows[r]);
    }
    return rows;
  }

  /** Starts a new sequence and gives the logits after its last token. */
  double[] logits(int[] tokens) {
    position = 0;
    for (Block block : blocks) {
      block.keys().clear();
      block.values().clear();
    }
    for (int token : tokens) {
      next(token);
    }
    return logits;
  }

  double[] lastLogits() {
    return logits;
  }

  /** Adds a token to the sequence. */
  void next(int token) {
    double[] x = new double[spec.embeddingLength()];
    for (int i = 0; i < x.length; i++) {
      x[i] = embedding[token][i];
    }
    for (Block block : blocks) {
      double[] normed = rmsNorm(x, block.attentionNorm());
      double[] q = rotate(multiply(block.query(), normed));
      block.keys().add(rotate(multiply(block.key(), normed)));
      block.values().add(multiply(block.value(), normed));
      add(x, multiply(block.attentionOutput(), attend(q, block)));
      normed = rmsNorm(x, block.feedForwardNorm());
      double[] hidden = multiply(block.gate(), normed);
      double[] up = multiply(block.up(), normed);
      for (int i = 0; i < hidden.length; i++) {
        hidden[i] = hidden[i] / (1 + Math.exp(-hidden[i])) * up[i];
      }
      add(x, multiply(block.down(), hidden));
    }
    logits = multiply(output, rmsNorm(x, outputNorm));
    position++;
  }

  private double[] attend(double[] q, Block block) {
    int d = spec.headDim();
    double[] out = new double[q.length];
    for (int h = 0; h < spec.heads(); h++) {
      int kv = h / (spec.heads() / spec.kvHeads()) * d;
      double[] score = new double[position + 1];
      double max = Double.NEGATIVE_INFINITY;
      for (int p = 0; p <= position; p++) {
        for (int i = 0; i < d; i++) {
          score[p] += q[h * d + i] * block.keys().get(p)[kv + i];
        }
        score[p] /= Math.sqrt(d);
        max = Math.max(max, score[p]);
      }
      double sum = 0;
      for (int p = 0; p <= position; p++) {
        score[p] = Math.exp(score[p] - max);
        sum += score[p];
      }
      for (int p = 0; p <= position; p++) {
        for (int i = 0; i < d; i++) {
          out[h * d + i] += score[p] / sum * block.values().get(p)[kv + i];
        }
      }
    }
    return out;
  }

  private double[] rotate(double[] x) {
    boolean interleaved = spec.rope().layout() == RopeSpec.Layout.INTERLEAVED;
    int n = spec.rope().dimensions();
    for (int head = 0; head < x.length; head += spec.headDim()) {
      for (int i = 0; i < n / 2; i++) {
        double angle = position * Math.pow(spec.rope().theta(), -2.0 * i / n);
        int a = head + (interleaved ? 2 * i : i);
        int b = head + (interleaved ? 2 * i + 1 : i + n / 2);
        double real = x[a] * Math.cos(angle) - x[b] * Math.sin(angle);
        x[b] = x[a] * Math.sin(angle) + x[b] * Math.cos(angle);
        x[a] = real;
      }
    }
    return x;
  }

  private double[] rmsNorm(double[] x, float[] weight) {
    double sum = 0;
    for (double v : x) {
      sum += v * v;
    }
    double scale = 1 / Math.sqrt(sum / x.length + spec.rmsNormEpsilon());
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] = x[i] * scale * weight[i];
    }
    return out;
  }

  private double[] multiply(float[][] rows, double[] input) {
    double[] x = roundsActivations ? rounded(input) : input;
    double[] out = new double[rows.length];
    for (int r = 0; r < rows.length; r++) {
      for (int i = 0; i < x.length; i++) {
        out[r] += rows[r][i] * x[i];
      }
    }
    return out;
  }

  private static double[] rounded(double[] x) {
    double[] y = new double[x.length];
    for (int block = 0; block < x.length; block += 32) {
      double most = 0;
      for (int i = block; i < block + 32; i++) {
        most = Math.max(most, Math.abs(x[i]));
      }
      double scale = Math.max(most / 255, Float.MIN_NORMAL);
      for (int i = block; i < block + 32; i++) {
        y[i] = Math.rint(x[i] / scale) * scale;
      }
    }
    return y;
  }

  private static void add(double[] x, double[] delta) {
    for (int i = 0; i < x.length; i++) {
      x[i] += delta[i];
    }
  }
}
