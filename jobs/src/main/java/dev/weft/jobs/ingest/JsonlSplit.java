package dev.weft.jobs.ingest;

import java.io.Serializable;

/**
 * A stretch of a JSONL file. It owns the lines that begin within it.
 *
 * @param file number of the file in its {@link InputSet}
 * @param path the file
 * @param start first byte
 * @param end byte after the last; {@code Long.MAX_VALUE} for a compressed file, which is always one
 *     split
 * @param compressed whether the file must be decompressed
 * @param firstLine number of the first line that begins here, from 1
 */
record JsonlSplit(int file, String path, long start, long end, boolean compressed, long firstLine)
    implements Serializable {}
