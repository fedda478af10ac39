package dev.weft.batching;

import dev.weft.batching.cost.CostModel;
import dev.weft.batching.cost.DeviceProfile;
import dev.weft.batching.cost.ModelShape;
import dev.weft.batching.request.RequestSet;
import java.util.Random;

/** Random request sets with nested shared prefixes, for property tests. */
public final class RandomRequests {
  private RandomRequests() {}

  /**
   * Llama-3.1-8B on a device with so little bandwidth that short prompts and answers, as below, are
   * bound by compute about as often as by memory.
   */
  public static CostModel cost(double overlap) {
    return cost(overlap, 2e10);
  }

  /** Llama-3.1-8B; with 2e12 bytes per second about on an A100. */
  public static CostModel cost(double overlap, double bytesPerSecond) {
    return new CostModel(
        new ModelShape(8_000_000_000L, 32, 4096, 1024, 2, 2),
        new DeviceProfile("test", 3e14, bytesPerSecond, overlap, "assumed"));
  }

  /**
   * Prompts of up to a few hundred tokens over a small alphabet: fresh ones, cut ones, extended
   * ones and identical ones, so that prompts are often prefixes of each other.
   */
  public static RequestSet nested(Random random, int size) {
    RequestSet.Builder builder = RequestSet.builder();
    int[][] prompts = new int[size][];
    int alphabet = 2 + random.nextInt(20);
    for (int i = 0; i < size; i++) {
      int kind = i == 0 ? 0 : random.nextInt(6);
      int[] base = i == 0 ? new int[0] : prompts[random.nextInt(i)];
      int keep =
          switch (kind) {
            case 0 -> 0;
            case 1 -> base.length;
            default -> random.nextInt(base.length + 1);
          };
      int more = kind == 1 ? 0 : random.nextInt(kind == 2 ? 1 : 120);
      int length = Math.max(1, Math.min(keep + more, 600));
      int[] prompt = new int[length];
      for (int t = 0; t < length; t++) {
        prompt[t] = t < keep && t < base.length ? base[t] : random.nextInt(alphabet);
      }
      prompts[i] = prompt;
      int max = 1 + random.nextInt(random.nextInt(4) == 0 ? 300 : 30);
      builder.add(prompt, 1 + random.nextInt(max), max);
    }
    return builder.build();
  }

  /** The same, but each prompt ends with a token of its own: none is a prefix of another. */
  public static RequestSet branching(Random random, int size) {
    RequestSet nested = nested(random, size);
    RequestSet.Builder builder = RequestSet.builder();
    for (int i = 0; i < size; i++) {
      int[] prompt = nested.prompt(i);
      prompt[prompt.length - 1] = 1_000_000 + i;
      builder.add(prompt, nested.estimatedOutputTokens(i), nested.maxOutputTokens(i));
    }
    return builder.build();
  }
}
