package dev.weft.batching.request;

/** The two runs of a dual scan: which resource a request mostly asks for. */
public enum Side {
  /** Scanned from the compute-dense end of the tree (left). One-sided orders use only this side. */
  COMPUTE,
  /** Scanned from the memory-dense end of the tree (right). */
  MEMORY;

  public Side other() {
    return this == COMPUTE ? MEMORY : COMPUTE;
  }
}
