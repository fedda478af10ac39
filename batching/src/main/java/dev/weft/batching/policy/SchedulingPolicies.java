package dev.weft.batching.policy;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The registry of scheduling policies: one line for each. */
public final class SchedulingPolicies {
  private static final Map<String, SchedulingPolicy> POLICIES = new LinkedHashMap<>();

  static {
    register(new FirstComeFirstServed());
    register(new RandomOrder());
    register(new DepthFirst());
    register(new LongestPrefixFirst());
    register(new BatchLlm());
    register(new GreedyGroups());
    register(new Blend());
  }

  private SchedulingPolicies() {}

  /**
   * @throws IllegalArgumentException if there is no policy of that name; the message lists all
   */
  public static SchedulingPolicy named(String name) {
    SchedulingPolicy policy = POLICIES.get(name);
    if (policy == null) {
      throw new IllegalArgumentException(
          "unknown scheduling policy '"
              + name
              + "': choose one of "
              + String.join(", ", POLICIES.keySet()));
    }
    return policy;
  }

  public static Collection<SchedulingPolicy> all() {
    return Collections.unmodifiableCollection(POLICIES.values());
  }

  private static void register(SchedulingPolicy policy) {
    POLICIES.put(policy.name(), policy);
  }
}
