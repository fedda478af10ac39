/** The three tables of metrics, as Parquet: runs, engine steps and requests. */
package dev.weft.jobs.metrics;
