package dev.weft.jobs.config;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** Which Weft this is; written into the jar by the build. */
public final class BuildInfo {
  private static final Properties PROPERTIES = load();

  private BuildInfo() {}

  /** Version of the program. */
  public static String version() {
    return PROPERTIES.getProperty("git.build.version", "unknown");
  }

  /** Source commit, or {@code unknown} when built outside a git checkout. */
  public static String commit() {
    return PROPERTIES.getProperty("git.commit.id.abbrev", "unknown");
  }

  private static Properties load() {
    Properties properties = new Properties();
    try (InputStream in = BuildInfo.class.getResourceAsStream("build.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      // Only names the build; a run must not fail for it.
      properties.clear();
    }
    return properties;
  }
}
