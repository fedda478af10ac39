package dev.weft.jobs.ledger;

import org.roaringbitmap.longlong.Roaring64Bitmap;

/**
 * A set of requests and samples as one bitmap of row keys for each sample: 1 to 4 bytes for each
 * element where it holds every 10th to every 1,000th row.
 */
final class SampleSet {
  /** Most answers that a request draws. */
  static final int MOST_SAMPLES = 128;

  private final Roaring64Bitmap[] bySample = new Roaring64Bitmap[MOST_SAMPLES];

  /** Adds an element; false if it was there. */
  boolean add(long rowKey, int sample) {
    if (bySample[sample] == null) {
      bySample[sample] = new Roaring64Bitmap();
    }
    if (bySample[sample].contains(rowKey)) {
      return false;
    }
    bySample[sample].addLong(rowKey);
    return true;
  }

  /** How many samples of a request are in the set. */
  int count(long rowKey) {
    int found = 0;
    for (Roaring64Bitmap rows : bySample) {
      found += rows != null && rows.contains(rowKey) ? 1 : 0;
    }
    return found;
  }

  /** Adds all of another set. */
  void addAll(SampleSet other) {
    for (int s = 0; s < MOST_SAMPLES; s++) {
      if (other.bySample[s] != null) {
        if (bySample[s] == null) {
          bySample[s] = new Roaring64Bitmap();
        }
        bySample[s].or(other.bySample[s]);
      }
    }
  }
}
