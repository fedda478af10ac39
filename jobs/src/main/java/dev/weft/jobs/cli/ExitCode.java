package dev.weft.jobs.cli;

import dev.weft.jobs.config.ConfigException;
import dev.weft.jobs.error.WeftException;

/** How the program ends. The numbers are stable: scripts and schedulers read them. */
enum ExitCode {
  /** Every row has an answer, or the command did what it was asked. */
  OK(0),
  /** The job could not be completed; starting it again continues it. */
  FAILED(1),
  /** The command cannot be carried out as it is written; nothing was started. */
  USAGE(2),
  /** The job is complete and some rows are error rows. */
  SOME_ROWS_FAILED(3),
  /** Planning was interrupted, as a shell numbers the end by Ctrl-C. */
  INTERRUPTED(130);

  /** For the end of {@code --help}. */
  static final String[] HELP = {
    "0:every row has an answer",
    "1:the job failed; starting it again continues it",
    "2:bad usage: nothing was started",
    "3:the job is complete, some rows are error rows"
  };

  private final int number;

  ExitCode(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  static ExitCode of(Throwable error) {
    return switch (WeftException.within(error)) {
      case ConfigException e -> USAGE;
      case WeftException e ->
          switch (e.code()) {
            case OPTION_INVALID,
                INPUT_NOT_FOUND,
                MODEL_NOT_FOUND,
                OUTPUT_CONFLICT,
                RUN_SETTINGS_DIFFER,
                RUN_ACTIVE,
                RUN_UNKNOWN ->
                USAGE;
            default -> FAILED;
          };
      default -> FAILED;
    };
  }
}
