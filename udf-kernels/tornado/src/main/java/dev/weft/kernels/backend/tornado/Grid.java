package dev.weft.kernels.backend.tornado;

/**
 * How many work groups a launch has. Kernels take their items in a loop, so that this changes no
 * bit of what they compute.
 */
interface Grid {
  /** Beyond that many a work group takes several items; a multiple of it must fit an integer. */
  int MOST_GROUPS = 1 << 20;

  /** One for each item. */
  Grid EXACT = (_, items) -> Math.clamp(items, 1, MOST_GROUPS);

  /**
   * @param group threads of a work group
   * @param items of the call, each for one work group
   */
  int groups(int group, long items);

  /** As many as have that many threads, whatever there is to do. */
  static Grid ofThreads(int threads) {
    return (group, _) -> Math.max(1, threads / group);
  }

  /** That many, whatever there is to do. */
  static Grid ofGroups(int groups) {
    return (_, _) -> groups;
  }
}
