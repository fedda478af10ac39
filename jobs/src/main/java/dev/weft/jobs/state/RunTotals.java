package dev.weft.jobs.state;

/**
 * How much a run has to do, known when its rows are prepared.
 *
 * @param rows input rows
 * @param errorRows rows that cannot run
 * @param duplicateRows rows that take the answer of another
 * @param requests requests that run
 * @param results answers that they draw
 */
public record RunTotals(
    long rows, long errorRows, long duplicateRows, long requests, long results) {}
