package dev.weft.kernels.backend;

import java.util.List;

/**
 * The backends that contract tests run for: all that are on the class path, or those that {@code
 * -Dweft.test.backends=NAME,NAME} names.
 */
public final class TestedBackends {
  private static final String NAMES = System.getProperty("weft.test.backends", "");

  private TestedBackends() {}

  public static List<BackendProvider> all() {
    List<String> wanted = List.of(NAMES.split(","));
    return Backends.all().stream()
        .filter(p -> NAMES.isEmpty() || wanted.contains(p.name()))
        .toList();
  }
}
