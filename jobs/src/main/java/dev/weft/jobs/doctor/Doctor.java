package dev.weft.jobs.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs all checks. Each is quick, changes nothing and cannot fail itself. */
public final class Doctor {

  private interface Check {
    List<Finding> look() throws Exception;
  }

  private Doctor() {}

  /** Everything that was looked at, in the order in which a person reads it. */
  public static List<Finding> examine(Map<String, String> environment) {
    List<Finding> findings = new ArrayList<>();
    add(findings, "java", JvmChecks::java);
    add(findings, "flags", JvmChecks::flags);
    add(findings, "vector", JvmChecks::vector);
    add(findings, "cores", MachineChecks::cores);
    add(findings, "memory", MachineChecks::memory);
    add(findings, "storage", MachineChecks::storage);
    add(findings, "network", () -> MachineChecks.network(environment));
    add(findings, "libraries", LibraryChecks::versions);
    add(findings, "backends", DeviceChecks::backends);
    add(findings, "devices", DeviceChecks::devices);
    add(findings, "tornadovm", () -> DeviceChecks.tornado(environment));
    add(findings, "energy", DeviceChecks::energy);
    return findings;
  }

  // A check may meet missing classes and natives: whatever it throws is a finding.
  private static void add(List<Finding> findings, String name, Check check) {
    try {
      findings.addAll(check.look());
    } catch (Exception | LinkageError e) {
      findings.add(
          Finding.warn(
              name,
              "could not be looked at: " + e,
              "Report this with the output of `weft doctor --json`."));
    }
  }
}
