package dev.weft.jobs.error;

import java.io.Serializable;

/**
 * Why a row has no answer.
 *
 * @param code its place in the catalogue
 * @param message what is wrong and in which field; file and line stand beside it in the result row
 */
public record RowError(ErrorCode code, String message) implements Serializable {}
