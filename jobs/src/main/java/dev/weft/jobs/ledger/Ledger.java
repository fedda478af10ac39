package dev.weft.jobs.ledger;

import dev.weft.jobs.store.Storage;
import dev.weft.jobs.store.Versions;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/** Finds and reads the pieces of a run. */
public final class Ledger {
  private Ledger() {}

  /**
   * All pieces of a kind by name, torn ones included; empty if there is no folder.
   *
   * @throws IOException if the folder cannot be listed, which is not the same as if it were empty
   */
  public static List<Piece> list(Storage storage, Path folder, PieceName.Kind kind)
      throws IOException {
    List<Piece> pieces = new ArrayList<>();
    for (FileStatus file : storage.list(folder)) {
      PieceName.parse(file.getPath().getName())
          .filter(name -> name.kind() == kind)
          .ifPresent(
              name ->
                  pieces.add(
                      new Piece(
                          file.getPath().toString(),
                          file.getLen(),
                          file.getModificationTime(),
                          name)));
    }
    pieces.sort(Comparator.comparing(Piece::path));
    return pieces;
  }

  /**
   * The content of a piece; empty if it is torn, which is the same as if it were not there.
   *
   * @throws IOException if it cannot be read, which is not the same
   */
  public static Optional<byte[]> read(Storage storage, Piece piece) throws IOException {
    if (!piece.hasItsLength()) {
      return Optional.empty();
    }
    try {
      byte[] bytes = storage.read(new Path(piece.path()), piece.name().bytes());
      return Versions.crc32c(bytes) == piece.name().crc32c()
          ? Optional.of(bytes)
          : Optional.empty();
    } catch (EOFException | FileNotFoundException e) {
      // Its writer took back a piece that it could not finish.
      return Optional.empty();
    }
  }
}
