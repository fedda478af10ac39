package dev.weft.jobs.error;

/** The catalogue as a page for people: {@code docs/errors.md}. */
final class ErrorPage {
  private ErrorPage() {}

  static String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Errors

            Generated from `dev.weft.jobs.error.ErrorCode`; a test compares the two. Codes are stable.

            Category: `user` the request or the configuration, `model` the model file, its tokenizer or chat template,
            `resource` memory, storage or a device, `internal` Weft itself.

            ## Rows

            A row with one of these errors has a result row of status `error` that names code, category, message and hint. The
            other rows are answered, unless `run.failOnError` is set.

            """);
    table(page, ErrorCode.Scope.ROW);
    page.append(
        """

        ## Jobs

        These stop the job. A job that had begun is continued by starting it again.

        """);
    table(page, ErrorCode.Scope.JOB);
    return page.toString();
  }

  private static void table(StringBuilder page, ErrorCode.Scope scope) {
    page.append("| code | category | meaning | what to do |\n|---|---|---|---|\n");
    for (ErrorCode code : ErrorCode.values()) {
      if (code.scope() == scope) {
        page.append(
            "| `%s` | %s | %s | %s |\n"
                .formatted(code.name(), code.category().label(), code.meaning(), code.hint()));
      }
    }
  }
}
