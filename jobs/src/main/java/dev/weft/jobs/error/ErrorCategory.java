package dev.weft.jobs.error;

import java.util.Locale;

/** Who can fix an error. */
public enum ErrorCategory {
  /** The request or the configuration. */
  USER,
  /** The model file, its tokenizer or its chat template. */
  MODEL,
  /** Memory, storage or a device. */
  RESOURCE,
  /** Weft itself. */
  INTERNAL;

  /** The name written to tables and reports. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
