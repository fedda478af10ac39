package dev.weft.jobs.ingest;

import dev.weft.datasets.format.Request;
import dev.weft.jobs.error.RowError;
import org.apache.spark.sql.Row;

/**
 * One input row: a request, or why it is none.
 *
 * @param rowKey {@link InputSet#rowKey}
 * @param file the file it came from
 * @param id its id; null if it has none
 * @param request null if {@code error} is set
 * @param error null if {@code request} is set
 * @param carried its other columns; null in formats that have none
 * @param contentHash of the row as it is in the input, and of its key
 */
public record IngestedRow(
    long rowKey,
    String file,
    String id,
    Request request,
    RowError error,
    Row carried,
    long contentHash) {}
