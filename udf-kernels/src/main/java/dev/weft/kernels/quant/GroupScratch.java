package dev.weft.kernels.quant;

/** Rows are decoded for each token: without this, each block would leave garbage. */
final class GroupScratch {
  static final ThreadLocal<GroupValues> VALUES = ThreadLocal.withInitial(GroupValues::new);

  private GroupScratch() {}
}
