package dev.weft.jobs.ledger;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Finds and reads the pieces of a run. */
public final class Ledger {
  /** No piece is as long as this; what is longer was not written by a ledger. */
  private static final long MAX_PIECE_BYTES = 1L << 30;

  private Ledger() {}

  /** All pieces of a kind by name; empty if there is no folder. */
  public static List<Piece> list(FileSystem fs, Path folder, PieceName.Kind kind)
      throws IOException {
    List<Piece> pieces = new ArrayList<>();
    FileStatus[] files;
    try {
      files = fs.listStatus(folder);
    } catch (FileNotFoundException e) {
      return pieces;
    }
    for (FileStatus file : files) {
      PieceName.parse(file.getPath().getName())
          .filter(name -> name.kind() == kind)
          .ifPresent(name -> pieces.add(new Piece(file.getPath().toString(), file.getLen(), name)));
    }
    pieces.sort(Comparator.comparing(Piece::path));
    return pieces;
  }

  /** The content of a piece; null if it is not whole, which is the same as if it were not there. */
  public static byte[] read(FileSystem fs, Piece piece) throws IOException {
    if (piece.bytes() > MAX_PIECE_BYTES) {
      return null;
    }
    byte[] bytes = new byte[(int) piece.bytes()];
    try (FSDataInputStream in = fs.open(new Path(piece.path()))) {
      in.readFully(0, bytes);
    }
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue() == piece.name().crc32c() ? bytes : null;
  }
}
