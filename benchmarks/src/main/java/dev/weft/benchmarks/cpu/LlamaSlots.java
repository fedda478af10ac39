package dev.weft.benchmarks.cpu;

import dev.weft.benchmarks.measure.PeerException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;

/**
 * Requests through llama.cpp the way its server runs them (build {@value LlamaLibrary#BUILD}): a
 * fixed number of slots with a sequence each; the next request in line takes, as soon as a slot is
 * idle, the idle one whose tokens are most like its prompt, else the one idle for longest; the
 * common beginning is kept and the rest computed; tokens of slots that generate and prompts of the
 * others go together into one batch. Called directly, so that neither texts nor HTTP nor JNI cost
 * anything, and with the likeness of beginnings, which can be reused, for that of subsequences.
 */
final class LlamaSlots implements AutoCloseable {
  /** The server's defaults. */
  private static final int BATCH_TOKENS = 2048;

  private static final int AT_ONCE = 512;
  private static final float DEFRAGMENT = 0.1f;

  private final LlamaContext context;
  private final LlamaBatch batch = new LlamaBatch(BATCH_TOKENS);
  private final Slot[] slots;
  private final double likeness;
  private final int outputTokens;
  private long sharedTokens;
  private long clock;

  /** A slot: what its sequence holds, and the request that it works on. */
  private static final class Slot {
    final int sequence;

    /** Tokens whose keys and values are in the cells, and the one that comes next behind. */
    int[] tokens = new int[0];

    /** Of these, computed. */
    int computed;

    /** Of these, the prompt. */
    int prompt;

    boolean busy;
    long idleSince;

    /** Index in the batch of the token whose logits are wanted; -1 for none. */
    int wanted = -1;

    /** The token that it gave. */
    int next;

    Slot(int sequence) {
      this.sequence = sequence;
    }
  }

  /**
   * @param slots at the same time
   * @param slotTokens most tokens of a prompt and its answer
   * @param likeness least common part of a slot's tokens, 0 to 1; the server's default is 0.5
   * @param outputTokens of every request
   */
  LlamaSlots(
      LlamaModelFile model,
      int threads,
      int slots,
      int slotTokens,
      boolean flash,
      double likeness,
      int outputTokens)
      throws PeerException {
    this.likeness = likeness;
    this.outputTokens = outputTokens;
    this.slots = new Slot[slots];
    Arrays.setAll(this.slots, Slot::new);
    context =
        model.context(
            new LlamaContext.Options(
                threads,
                slots * slotTokens,
                slots,
                BATCH_TOKENS,
                AT_ONCE,
                flash,
                DEFRAGMENT,
                LlamaLayouts.F16));
  }

  /** Runs requests in this order, greedily, each to its full length. */
  void run(List<int[]> prompts) throws PeerException {
    ArrayDeque<int[]> waiting = new ArrayDeque<>(prompts);
    while (assign(waiting)) {
      fill();
      compute();
      generate();
    }
  }

  /** Prompt tokens that were there already. */
  long sharedTokens() {
    return sharedTokens;
  }

  /** Gives idle slots work; false if there is none left anywhere. */
  private boolean assign(ArrayDeque<int[]> waiting) throws PeerException {
    boolean busy = false;
    for (Slot slot : slots) {
      busy |= slot.busy;
    }
    while (!waiting.isEmpty()) {
      Slot slot = choose(waiting.peek());
      if (slot == null) {
        return true;
      }
      start(slot, waiting.remove());
      busy = true;
    }
    return busy;
  }

  private Slot choose(int[] prompt) {
    Slot like = null;
    Slot oldest = null;
    int most = 0;
    for (Slot slot : slots) {
      if (slot.busy) {
        continue;
      }
      int common = common(slot, prompt);
      if (common > most && common > likeness * slot.computed) {
        most = common;
        like = slot;
      }
      if (oldest == null || slot.idleSince < oldest.idleSince) {
        oldest = slot;
      }
    }
    return like != null ? like : oldest;
  }

  private static int common(Slot slot, int[] prompt) {
    int mismatch = Arrays.mismatch(slot.tokens, 0, slot.computed, prompt, 0, prompt.length);
    return mismatch < 0 ? prompt.length : mismatch;
  }

  private void start(Slot slot, int[] prompt) throws PeerException {
    // The last token is computed in any case: it gives the logits.
    int keep = Math.min(common(slot, prompt), prompt.length - 1);
    context.keep(slot.sequence, keep);
    sharedTokens += keep;
    slot.tokens = Arrays.copyOf(prompt, prompt.length + outputTokens);
    slot.prompt = prompt.length;
    slot.computed = keep;
    slot.busy = true;
  }

  /** Tokens of answers first, then as much of the prompts as there is room for. */
  private void fill() {
    batch.clear();
    for (Slot slot : slots) {
      slot.wanted = -1;
      if (slot.busy && slot.computed >= slot.prompt) {
        add(slot, true);
      }
    }
    for (Slot slot : slots) {
      while (slot.busy && slot.computed < slot.prompt && batch.size() < batch.capacity()) {
        add(slot, slot.computed == slot.prompt - 1);
      }
    }
  }

  private void add(Slot slot, boolean wantsLogits) {
    if (wantsLogits) {
      slot.wanted = batch.size();
    }
    batch.add(slot.tokens[slot.computed], slot.computed, slot.sequence, wantsLogits);
    slot.computed++;
  }

  /** In one piece, or, where the cells have no room for it, in ever smaller ones. */
  private void compute() throws PeerException {
    int piece = batch.size();
    for (int from = 0; from < batch.size(); ) {
      int count = Math.min(piece, batch.size() - from);
      if (context.fits(batch, from, count)) {
        take(from, count);
        from += count;
      } else if (piece == 1) {
        throw new PeerException("llama.cpp has no KV cell left for a token");
      } else {
        piece = Math.max(1, piece / 2);
      }
    }
  }

  /** Logits are of the piece that was computed last. */
  private void take(int from, int count) throws PeerException {
    for (Slot slot : slots) {
      if (slot.wanted >= from && slot.wanted < from + count) {
        slot.next = context.greedy(slot.wanted - from);
      }
    }
  }

  private void generate() {
    for (Slot slot : slots) {
      if (slot.wanted < 0) {
        continue;
      }
      slot.tokens[slot.computed] = slot.next;
      if (slot.computed + 1 == slot.prompt + outputTokens) {
        slot.busy = false;
        slot.idleSince = ++clock;
      }
    }
  }

  @Override
  public void close() {
    batch.close();
    context.close();
  }
}
