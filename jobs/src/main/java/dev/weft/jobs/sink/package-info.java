/** The table of results: one row for each input row, written exactly once for each run. */
package dev.weft.jobs.sink;
