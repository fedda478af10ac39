/** Reads input rows of every format and makes requests or row errors of them. */
package dev.weft.jobs.ingest;
