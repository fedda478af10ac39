package dev.weft.jobs.ingest;

import java.io.Serializable;

/**
 * One input file, or one whole Delta table.
 *
 * @param path full path with scheme
 * @param bytes its length; 0 for a Delta table
 * @param version modification time in milliseconds, or the Delta table's version
 */
public record InputFile(String path, long bytes, long version) implements Serializable {}
