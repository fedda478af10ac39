package dev.weft.jobs.run;

import java.util.Locale;

/** The stages of a job, in the order in which they run. */
public enum Stage {
  PREFLIGHT,
  INGEST,
  PREPARE,
  CALIBRATE,
  SAMPLE,
  PLAN,
  INFER,
  COMMIT,
  REPORT;

  /** The name shown to people and written to reports. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
