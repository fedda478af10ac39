package dev.weft.jobs.error;

/**
 * Every error that Weft reports. Names are stable: they stand in result tables and in scripts that
 * read them. {@code docs/errors.md} is generated from this list.
 */
public enum ErrorCode {
  // Rows that cannot be read.
  ROW_TOO_LARGE(
      Scope.ROW,
      ErrorCategory.USER,
      "The row is longer than the limit.",
      "Shorten the row, or raise input.maxLineBytes."),
  ROW_INVALID_UTF8(
      Scope.ROW,
      ErrorCategory.USER,
      "The row is not valid UTF-8.",
      "Write the file as UTF-8; the message names the first bad byte."),
  ROW_BROKEN_JSON(
      Scope.ROW,
      ErrorCategory.USER,
      "The line is not one JSON object.",
      "Put exactly one JSON object on each line; the message names the column."),
  ROW_DUPLICATE_KEY(
      Scope.ROW,
      ErrorCategory.USER,
      "A JSON object holds the same key twice, so its meaning is not certain.",
      "Keep one of the two."),
  ROW_TOO_DEEP(
      Scope.ROW,
      ErrorCategory.USER,
      "The JSON is nested deeper than any request needs.",
      "Flatten the request."),
  // Rows that can be read and are not requests.
  ID_MISSING(
      Scope.ROW,
      ErrorCategory.USER,
      "The row has no id.",
      "Give every row a unique text: custom_id in JSONL, id in tables."),
  ID_DUPLICATE(
      Scope.ROW,
      ErrorCategory.USER,
      "An earlier row has the same id; that one is answered.",
      "Give every row its own id; the message names the earlier row."),
  FIELD_TYPE(
      Scope.ROW,
      ErrorCategory.USER,
      "A field has a type that it cannot have.",
      "Give the field the type that the message names."),
  FIELD_UNSUPPORTED(
      Scope.ROW,
      ErrorCategory.USER,
      "A field asks for something that Weft does not do, and leaving it out would change the"
          + " answer.",
      "Remove the field, or send the request elsewhere."),
  ENDPOINT_UNSUPPORTED(
      Scope.ROW,
      ErrorCategory.USER,
      "The line's url or method is not one that Weft answers.",
      "Use POST with /v1/chat/completions or /v1/completions."),
  PARAMETER_OUT_OF_RANGE(
      Scope.ROW,
      ErrorCategory.USER,
      "A sampling parameter is outside its range.",
      "Choose a value within the range that the message names."),
  ROLE_UNKNOWN(
      Scope.ROW,
      ErrorCategory.USER,
      "A message has a role that chat requests do not have.",
      "Use system, developer, user or assistant."),
  PROMPT_MISSING(
      Scope.ROW,
      ErrorCategory.USER,
      "The row has neither messages, nor a prompt, nor token ids.",
      "Give exactly one of them."),
  PROMPT_AMBIGUOUS(
      Scope.ROW,
      ErrorCategory.USER,
      "The row has more than one of messages, prompt and token ids.",
      "Give exactly one of them."),
  PROMPT_EMPTY(
      Scope.ROW,
      ErrorCategory.USER,
      "The prompt has no text or no tokens.",
      "Give a prompt that is not empty."),
  PROMPT_TOO_LARGE(
      Scope.ROW,
      ErrorCategory.USER,
      "The prompt's text is longer than the limit.",
      "Shorten the prompt, or raise input.maxPromptBytes."),
  PROMPT_EXCEEDS_CONTEXT(
      Scope.ROW,
      ErrorCategory.USER,
      "The prompt leaves no room for an answer in the model's context.",
      "Shorten the prompt, choose a model with a longer context, or cut prompts with"
          + " input.longPrompts."),
  TOKEN_OUT_OF_RANGE(
      Scope.ROW,
      ErrorCategory.USER,
      "A token id is not in the model's vocabulary.",
      "Tokenize with the vocabulary of the model in use, or send text."),
  // Rows on which the model's own parts fail.
  TEMPLATE_FAILED(
      Scope.ROW,
      ErrorCategory.MODEL,
      "The chat template could not render the messages.",
      "Often the template demands another order of roles; its own words are in the message."),
  TOKENIZER_FAILED(
      Scope.ROW,
      ErrorCategory.MODEL,
      "The tokenizer could not encode the prompt.",
      "The message names what it could not encode."),
  // Rows on which the run fails.
  KV_CACHE_TOO_SMALL(
      Scope.ROW,
      ErrorCategory.RESOURCE,
      "The request needs more KV memory than the whole cache has.",
      "Give the engine a larger KV cache, or shorten the request."),
  ENGINE_NONFINITE_LOGITS(
      Scope.ROW,
      ErrorCategory.MODEL,
      "The model gave no finite scores for the next token.",
      "The model file may be damaged, or its number format too coarse; try the file in another"
          + " format."),
  ENGINE_FAILED(
      Scope.ROW,
      ErrorCategory.INTERNAL,
      "The engine failed on this request.",
      "Report it with the message; the other rows are not affected."),
  ENGINE_OUT_OF_MEMORY(
      Scope.ROW,
      ErrorCategory.RESOURCE,
      "Memory ran out on this request, also with nothing beside it.",
      "Shorten the request, or give the engine more memory; the other rows are not affected."),
  REQUEST_ENDS_ENGINE(
      Scope.ROW,
      ErrorCategory.INTERNAL,
      "Each time this request ran, the engine hung or its process was lost, the last time with"
          + " this request alone.",
      "Look into the executors' logs for the reason (a native crash, the system's killer of large"
          + " processes); engine.tries sets how often it is tried."),
  // Jobs that cannot start or cannot end.
  INPUT_NOT_FOUND(
      Scope.JOB,
      ErrorCategory.USER,
      "No input file matches.",
      "Check the path; quote globs so that the shell leaves them alone."),
  INPUT_UNREADABLE(
      Scope.JOB,
      ErrorCategory.USER,
      "An input file cannot be read or is not of the named format.",
      "Check permissions, or name the format with input.format."),
  INPUT_SCHEMA(
      Scope.JOB,
      ErrorCategory.USER,
      "The input table lacks a column or has one of the wrong type.",
      "Rename or cast the column that the message names."),
  OPTION_INVALID(
      Scope.JOB,
      ErrorCategory.USER,
      "An option is unknown or has a value that it cannot have.",
      "The message names the option and what it takes."),
  OUTPUT_CONFLICT(
      Scope.JOB,
      ErrorCategory.USER,
      "The output folder holds something that this run cannot add to.",
      "Choose another output folder."),
  RUN_SETTINGS_DIFFER(
      Scope.JOB,
      ErrorCategory.USER,
      "A run of this id exists and computes something else.",
      "Resume with the settings of the run, or start a run with another id; the message names what"
          + " differs."),
  ROWS_FAILED(
      Scope.JOB,
      ErrorCategory.USER,
      "Rows failed and the job was told to stop on errors.",
      "Correct the rows, or leave failOnError off to answer the others."),
  MODEL_NOT_FOUND(
      Scope.JOB,
      ErrorCategory.MODEL,
      "There is no model file at this path.",
      "Check the path; it must be readable on the driver."),
  MODEL_UNREADABLE(
      Scope.JOB,
      ErrorCategory.MODEL,
      "The model file is damaged, or is not a model file.",
      "Get the file again; the message names the offset that is wrong."),
  MODEL_UNSUPPORTED(
      Scope.JOB,
      ErrorCategory.MODEL,
      "The model has an architecture, number format or tokenizer that Weft does not run.",
      "Convert the model, or choose another; the message names what is not supported."),
  MODEL_DIFFERS(
      Scope.JOB,
      ErrorCategory.RESOURCE,
      "The model file on an executor is not the one the job was planned with.",
      "Put the same file on every host, or in storage that all of them reach."),
  MEMORY_TOO_SMALL(
      Scope.JOB,
      ErrorCategory.RESOURCE,
      "The model or the KV cache does not fit into memory.",
      "Choose a smaller KV cache or model, or a larger machine; the message names the bytes."),
  ENGINE_BROKEN(
      Scope.JOB,
      ErrorCategory.INTERNAL,
      "The engine fails whatever requests it is given.",
      "Look into the log for the first failure and run `weft doctor` on that machine; starting the"
          + " same run again continues it."),
  ENGINE_HUNG(
      Scope.JOB,
      ErrorCategory.INTERNAL,
      "Engines hang and hold memory that only the end of their process frees.",
      "Look into the log for the stack of the engine's thread; starting the same run again"
          + " continues it. Raise engine.stepTimeoutSeconds if the step was only slow."),
  RUN_STOPPED(
      Scope.JOB,
      ErrorCategory.USER,
      "The run was told to stop before it was done.",
      "Start the same run again: it continues."),
  RUN_ACTIVE(
      Scope.JOB,
      ErrorCategory.USER,
      "Another start of this run is alive.",
      "Wait until it ends, or stop it; `weft status` shows where it runs."),
  RUN_UNKNOWN(
      Scope.JOB,
      ErrorCategory.USER,
      "There is no run of this name in the output folder.",
      "`weft runs` lists those that are there."),
  STORAGE_FULL(
      Scope.JOB,
      ErrorCategory.RESOURCE,
      "A disk or store is full.",
      "Free space, then start the same run again: it continues."),
  STORAGE_QUOTA(
      Scope.JOB,
      ErrorCategory.RESOURCE,
      "A quota of the storage is used up.",
      "Raise the quota or free space, then start the same run again: it continues."),
  STORAGE_DENIED(
      Scope.JOB,
      ErrorCategory.RESOURCE,
      "Storage is read-only or does not permit the access.",
      "Give the user of the job the rights, or remount the storage for writing, then start the same"
          + " run again: it continues."),
  STORAGE_FAILED(
      Scope.JOB,
      ErrorCategory.RESOURCE,
      "Storage could not be read or written.",
      "See that the storage can be reached, then start the same run again: it continues."),
  INTERNAL(
      Scope.JOB,
      ErrorCategory.INTERNAL,
      "Weft failed in a way that it does not foresee.",
      "Report it with the log; starting the same run again continues it.");

  /** What an error stops. */
  public enum Scope {
    /** One row, which becomes an error row. */
    ROW,
    /** The job. */
    JOB
  }

  private final Scope scope;
  private final ErrorCategory category;
  private final String meaning;
  private final String hint;

  ErrorCode(Scope scope, ErrorCategory category, String meaning, String hint) {
    this.scope = scope;
    this.category = category;
    this.meaning = meaning;
    this.hint = hint;
  }

  /** What the error stops. */
  public Scope scope() {
    return scope;
  }

  /** Who can fix it. */
  public ErrorCategory category() {
    return category;
  }

  /** What it means, in one sentence. */
  public String meaning() {
    return meaning;
  }

  /** What to do, in one sentence. */
  public String hint() {
    return hint;
  }
}
