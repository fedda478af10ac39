package dev.weft.datasets.format;

/** Why a row is not a request. Each name is also a code of the job's error catalogue. */
public enum RowProblem {
  ROW_TOO_LARGE,
  ROW_INVALID_UTF8,
  ROW_BROKEN_JSON,
  ROW_DUPLICATE_KEY,
  ROW_TOO_DEEP,
  ID_MISSING,
  FIELD_TYPE,
  FIELD_UNSUPPORTED,
  ENDPOINT_UNSUPPORTED,
  PARAMETER_OUT_OF_RANGE,
  ROLE_UNKNOWN,
  PROMPT_MISSING,
  PROMPT_AMBIGUOUS,
  PROMPT_EMPTY,
  PROMPT_TOO_LARGE
}
