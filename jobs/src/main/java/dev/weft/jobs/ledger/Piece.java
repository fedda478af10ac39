package dev.weft.jobs.ledger;

import java.io.Serializable;

/**
 * A piece that was found in the ledger.
 *
 * @param path its file
 * @param bytes length of the file
 * @param writtenMillis when it was written by the storage's clock, milliseconds since 1970
 * @param name what its name says
 */
public record Piece(String path, long bytes, long writtenMillis, PieceName name)
    implements Serializable {
  /** Whether it has its length; only its checksum says whether it is whole. */
  public boolean hasItsLength() {
    return bytes == name.bytes();
  }
}
