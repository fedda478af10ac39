package dev.weft.kernels.model;

/**
 * Rotary position embedding (RoFormer, arXiv 2104.09864).
 *
 * @param layout which two elements of a head are rotated together
 * @param dimensions leading elements of each head that are rotated, even
 * @param theta base of the angles: pair {@code i} turns by {@code position * theta^(-2i /
 *     dimensions)}
 * @param scaling how angles are stretched for long contexts
 */
public record RopeSpec(Layout layout, int dimensions, float theta, Scaling scaling) {

  /** Which two elements of a head form a pair. */
  public enum Layout {
    /** Elements {@code 2i} and {@code 2i + 1}: GGUF files of the llama architecture. */
    INTERLEAVED,
    /**
     * Elements {@code i} and {@code i + dimensions / 2}: Hugging Face, and most other GGUF files.
     */
    HALVES
  }

  /** Changes of the angles. */
  public sealed interface Scaling {
    /** Angles as they are. */
    record None() implements Scaling {}

    /** Positions divided by {@code factor}. */
    record Linear(float factor) implements Scaling {}

    /**
     * Llama 3.1: wavelengths over {@code originalContextLength / lowFreqFactor} are stretched by
     * {@code factor}, those under {@code originalContextLength / highFreqFactor} are kept, between
     * the two it blends.
     */
    record Llama3(
        float factor, float lowFreqFactor, float highFreqFactor, int originalContextLength)
        implements Scaling {}

    /**
     * The angle of pair {@code i} divided by {@code divisors[i]}, as {@code rope_freqs.weight}
     * stores it.
     */
    record Divisors(float[] divisors) implements Scaling {}
  }
}
