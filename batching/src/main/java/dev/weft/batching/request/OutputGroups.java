package dev.weft.batching.request;

import java.util.ArrayList;
import java.util.List;

/**
 * Which distribution of output lengths each request of a set has: few distributions, two bytes for
 * a request.
 */
public final class OutputGroups {
  /** Distributions at most. */
  public static final int MOST = Character.MAX_VALUE;

  private final List<OutputDistribution> distributions;

  /** By request: index of its distribution plus 1; 0 for none. */
  private final char[] groupOf;

  private OutputGroups(List<OutputDistribution> distributions, char[] groupOf) {
    this.distributions = distributions;
    this.groupOf = groupOf;
  }

  /** The distribution of a request; null if it has none. */
  public OutputDistribution of(int request) {
    return groupOf[request] == 0 ? null : distributions.get(groupOf[request] - 1);
  }

  /** The groups of some requests, in this order. */
  public OutputGroups subset(int[] requests) {
    char[] groups = new char[requests.length];
    for (int i = 0; i < groups.length; i++) {
      groups[i] = groupOf[requests[i]];
    }
    return new OutputGroups(distributions, groups);
  }

  /** Collects groups; not thread-safe. */
  public static final class Builder {
    private final List<OutputDistribution> distributions = new ArrayList<>();
    private final char[] groupOf;

    public Builder(int requests) {
      groupOf = new char[requests];
    }

    /** Whether there is no room for another distribution. */
    public boolean isFull() {
      return distributions.size() == MOST;
    }

    /** Adds a distribution and returns its index. */
    public int add(OutputDistribution distribution) {
      if (isFull()) {
        throw new IllegalStateException("there are " + MOST + " distributions already");
      }
      distributions.add(distribution);
      return distributions.size() - 1;
    }

    /** Gives a request the distribution with this index. */
    public void set(int request, int index) {
      groupOf[request] = (char) (index + 1);
    }

    public OutputGroups build() {
      return new OutputGroups(List.copyOf(distributions), groupOf.clone());
    }
  }
}
