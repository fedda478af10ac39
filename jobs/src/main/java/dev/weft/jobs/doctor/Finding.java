package dev.weft.jobs.doctor;

import java.util.Locale;

/**
 * One thing that was looked at.
 *
 * @param name what
 * @param status how it is
 * @param required whether no job can run without it
 * @param found what was found
 * @param fix what it means if it is not well, and how to mend it; empty if it is well
 */
public record Finding(String name, Status status, boolean required, String found, String fix) {

  /** How a thing is. */
  public enum Status {
    /** As it should be. */
    OK,
    /** There, with a limit that is worth knowing. */
    WARN,
    /** Not there. */
    MISSING;

    /** The word that is shown. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static Finding ok(String name, String found) {
    return new Finding(name, Status.OK, false, found, "");
  }

  static Finding warn(String name, String found, String fix) {
    return new Finding(name, Status.WARN, false, found, fix);
  }

  /** Something that makes Weft better and is not there. */
  static Finding absent(String name, String found, String fix) {
    return new Finding(name, Status.MISSING, false, found, fix);
  }

  /** Something without which no job runs. */
  static Finding broken(String name, String found, String fix) {
    return new Finding(name, Status.MISSING, true, found, fix);
  }

  /** True if this alone keeps every job from running. */
  public boolean stopsJobs() {
    return required && status == Status.MISSING;
  }
}
