package dev.weft.jobs.state;

import java.util.Map;
import java.util.TreeMap;

/**
 * How a run was started, so that it can be resumed by its name.
 *
 * @param settings every configuration key with its value; secrets are hidden
 */
public record RunConfiguration(Map<String, String> settings) {
  public RunConfiguration {
    settings = new TreeMap<>(settings);
  }
}
