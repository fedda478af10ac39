package dev.weft.datasets.workload;

import java.util.Locale;

/**
 * Mixes three kinds of requests so that the whole has a wanted compute density and a wanted part of
 * shared prompt tokens.
 *
 * <p>The recipe of BlendServe (arXiv 2411.16102, appendix A.3): a compute-bound trace and a
 * memory-bound one in the proportion that gives the density, and requests with much sharing until
 * the sharing is reached. Its density {@code rho = sum compute / sum memory} counts shared tokens
 * once; so the two targets depend on each other and are solved together: for each number of shared
 * requests the number of memory-bound ones by bisection, around it a bisection over the former.
 * What whole requests leave open is closed by a common factor on the outputs of the memory-bound
 * ones.
 *
 * @param compute requests that ask for compute
 * @param shared requests with much sharing
 * @param memory requests that ask for memory bandwidth
 */
public record TraceMix(TraceShape compute, TraceShape shared, TraceShape memory) {
  /** How far density and sharing may be off, relative to their targets. */
  public static final double TOLERANCE = 0.01;

  /** The three traces of BlendServe's main evaluation. */
  public static final TraceMix PAPER =
      new TraceMix(TraceShapes.BURST_GPT, TraceShapes.MMLU, TraceShapes.OPEN_VID);

  /**
   * Makes a workload in an order drawn by the seed.
   *
   * @param requests number of requests
   * @param density wanted compute seconds over memory seconds
   * @param sharing wanted part of the prompt tokens that is shared, in 0..1
   * @param cost device and model that the density is for
   * @throws IllegalArgumentException if no mix comes within {@link #TOLERANCE} of both targets
   */
  public Workload workload(
      String name, int requests, double density, double sharing, WorkCost cost, long seed) {
    Solver solver = new Solver(this, requests, cost, seed);
    solver.solve(density, sharing);
    solver.require(name, density, sharing);
    return solver.workload(name, seed);
  }

  private static final class Solver {
    private final int requests;
    private final WorkCost cost;
    private final TraceSample compute;
    private final TraceSample shared;
    private final TraceSample memory;
    private int sharedCount;
    private int memoryCount;

    Solver(TraceMix mix, int requests, WorkCost cost, long seed) {
      this.requests = requests;
      this.cost = cost;
      compute = new TraceSample(mix.compute, requests, cost, seed ^ 0x1C0DEL);
      shared = new TraceSample(mix.shared, requests, cost, seed ^ 0x25A4EL);
      memory = new TraceSample(mix.memory, requests, cost, seed ^ 0x3E40L);
    }

    void solve(double density, double sharing) {
      int low = 0;
      int high = requests;
      while (low < high) {
        sharedCount = (low + high) >>> 1;
        balance(density);
        if (sharing() < sharing) {
          low = sharedCount + 1;
        } else {
          high = sharedCount;
        }
      }
      sharedCount = low;
      balance(density);
      scale(density);
    }

    /** Chooses the number of memory-bound requests for the density. */
    private void balance(double density) {
      int low = 0;
      int high = requests - sharedCount;
      while (low < high) {
        memoryCount = (low + high) >>> 1;
        if (density() > density) {
          low = memoryCount + 1;
        } else {
          high = memoryCount;
        }
      }
      memoryCount = low;
    }

    private void scale(double density) {
      double low = 0.5;
      double high = 2;
      for (int step = 0; step < 40; step++) {
        double factor = (low + high) / 2;
        double c = otherCompute() + memory.computeSeconds(memoryCount, factor, cost);
        double m = otherMemory() + memory.memorySeconds(memoryCount, factor, cost);
        if (c > density * m) {
          low = factor;
        } else {
          high = factor;
        }
      }
      memory.scaleOutputs(memoryCount, (low + high) / 2, cost);
    }

    private int computeCount() {
      return requests - sharedCount - memoryCount;
    }

    private double otherCompute() {
      return compute.computeSeconds(computeCount()) + shared.computeSeconds(sharedCount);
    }

    private double otherMemory() {
      return compute.memorySeconds(computeCount()) + shared.memorySeconds(sharedCount);
    }

    private double density() {
      return (otherCompute() + memory.computeSeconds(memoryCount))
          / (otherMemory() + memory.memorySeconds(memoryCount));
    }

    private double sharing() {
      double prompt =
          compute.promptTokens(computeCount())
              + shared.promptTokens(sharedCount)
              + memory.promptTokens(memoryCount);
      double distinct =
          compute.distinctTokens(computeCount())
              + shared.distinctTokens(sharedCount)
              + memory.distinctTokens(memoryCount);
      return 1 - distinct / prompt;
    }

    void require(String name, double density, double sharing) {
      boolean dense = Math.abs(density() - density) <= TOLERANCE * density;
      boolean shares = Math.abs(sharing() - sharing) <= TOLERANCE * sharing;
      if (!dense || !shares) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "workload '%s': %d requests come to density %.4f and sharing %.4f, wanted are %.4f"
                    + " and %.4f: take more requests, or targets between those of the traces",
                name,
                requests,
                density(),
                sharing(),
                density,
                sharing));
      }
    }

    Workload workload(String name, long seed) {
      Workload.Builder builder = Workload.builder();
      int sharedStream = 0;
      int ownStream = compute.sharedStreams() + shared.sharedStreams() + memory.sharedStreams();
      int[] counts = {computeCount(), sharedCount, memoryCount};
      TraceSample[] samples = {compute, shared, memory};
      for (int t = 0; t < samples.length; t++) {
        samples[t].addTo(builder, counts[t], sharedStream, ownStream);
        sharedStream += samples[t].sharedStreams();
        ownStream += counts[t];
      }
      return builder.buildShuffled(name, seed);
    }
  }
}
