package dev.weft.batching.schedule;

/** The sequences that run, in the order in which they were last admitted. */
final class RunningSet {
  private final Sequence[] sequences;
  private int size;

  /**
   * @param most sequences that may run at the same time
   */
  RunningSet(int most) {
    sequences = new Sequence[most];
  }

  int size() {
    return size;
  }

  /** Most sequences that may run at the same time. */
  int most() {
    return sequences.length;
  }

  boolean isFull() {
    return size == sequences.length;
  }

  Sequence get(int index) {
    return sequences[index];
  }

  Sequence last() {
    return sequences[size - 1];
  }

  boolean lastIsPrefilling() {
    return size > 0 && last().isPrefilling();
  }

  void add(Sequence sequence) {
    sequences[size++] = sequence;
  }

  void remove(Sequence sequence) {
    int at = size - 1;
    while (sequences[at] != sequence) {
      at--;
    }
    System.arraycopy(sequences, at + 1, sequences, at, size - at - 1);
    sequences[--size] = null;
  }

  /**
   * Of the sequences that are not scheduled in this step yet, the one that was first admitted last;
   * a preempted one keeps its age.
   */
  Sequence youngestFrom(int index) {
    Sequence youngest = sequences[index];
    for (int i = index + 1; i < size; i++) {
      if (sequences[i].admission > youngest.admission) {
        youngest = sequences[i];
      }
    }
    return youngest;
  }
}
