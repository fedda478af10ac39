package dev.weft.jobs.config;

/**
 * A configuration that cannot be used. The message says which key, where it was set and how to fix
 * it.
 */
public final class ConfigException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public ConfigException(String message) {
    super(message);
  }

  public ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
