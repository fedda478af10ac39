package dev.weft.jobs.ledger;

import java.io.Serializable;

/**
 * A piece that was found in the ledger.
 *
 * @param path its file
 * @param bytes length of the file
 * @param name what its name says
 */
public record Piece(String path, long bytes, PieceName name) implements Serializable {}
