package dev.weft.jobs.ingest;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.Util;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.SeekableInputStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Checks that the data files of a table can have the sizes that they name. The reader of Parquet
 * allocates what a footer or the header of a page asks for before it reads it: one wrong number
 * takes the whole heap of an executor.
 */
final class ParquetSizes {
  /** Largest page, unpacked: writers aim at 1 MiB. */
  private static final int MAX_PAGE_BYTES = 128 << 20;

  /** Length of the footer and the four letters at the end of a file. */
  private static final int TAIL_BYTES = 8;

  private static final int MAGIC_BYTES = 4;

  /** {@code PAR1}, little-endian. */
  private static final int MAGIC = 'P' | 'A' << 8 | 'R' << 16 | '1' << 24;

  /** {@code PARE}: the footer is encrypted, and what is in it is checked when it is decrypted. */
  private static final int MAGIC_ENCRYPTED = 'P' | 'A' << 8 | 'R' << 16 | 'E' << 24;

  private ParquetSizes() {}

  /**
   * Reads footers and page headers, in parallel.
   *
   * @param files paths, not encoded
   * @throws org.apache.spark.SparkException with a {@link WeftException} that names the file
   */
  static void check(JavaSparkContext spark, List<String> files) {
    if (!files.isEmpty()) {
      SerializableConfiguration hadoop = new SerializableConfiguration(spark.hadoopConfiguration());
      int parts = Math.min(files.size(), 4 * spark.defaultParallelism());
      spark.parallelize(files, parts).foreach(file -> check(new Path(file), hadoop.value()));
    }
  }

  private static void check(Path file, Configuration hadoop) {
    try {
      HadoopInputFile input = HadoopInputFile.fromPath(file, hadoop);
      long end = checkFooter(input);
      List<BlockMetaData> rowGroups;
      try (ParquetFileReader reader = ParquetFileReader.open(input)) {
        rowGroups = reader.getFooter().getBlocks();
      }
      try (SeekableInputStream in = input.newStream()) {
        for (BlockMetaData rowGroup : rowGroups) {
          for (ColumnChunkMetaData chunk : rowGroup.getColumns()) {
            check(chunk, end, in);
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      throw new WeftException(
          ErrorCode.INPUT_UNREADABLE, "%s cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Returns where the footer begins, which is where the data end. */
  private static long checkFooter(HadoopInputFile input) throws IOException {
    long size = input.getLength();
    if (size < 2 * MAGIC_BYTES + Integer.BYTES) {
      throw new IOException("a file of %d bytes is no Parquet file".formatted(size));
    }
    try (SeekableInputStream in = input.newStream()) {
      in.seek(size - TAIL_BYTES);
      ByteBuffer tail = ByteBuffer.wrap(in.readNBytes(TAIL_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
      int bytes = tail.getInt();
      int magic = tail.getInt();
      if (magic != MAGIC && magic != MAGIC_ENCRYPTED) {
        throw new IOException("it does not end as a Parquet file does: it is another, or torn");
      }
      long start = size - TAIL_BYTES - bytes;
      if (bytes <= 0 || start < MAGIC_BYTES) {
        throw new IOException(
            "its footer is said to have %d bytes; the file has %d".formatted(bytes, size));
      }
      if (magic == MAGIC) {
        byte[] footer = new byte[bytes];
        in.seek(start);
        in.readFully(footer);
        ThriftSizes.check(footer);
      }
      return start;
    }
  }

  private static void check(ColumnChunkMetaData chunk, long dataEnd, SeekableInputStream in)
      throws IOException {
    long start = chunk.getStartingPos();
    long size = chunk.getTotalSize();
    if (start < 0 || size < 0 || size > dataEnd - start) {
      throw new IOException(
          "column %s is said to have %d bytes from byte %d on, but the data end at byte %d"
              .formatted(chunk.getPath().toDotString(), size, start, dataEnd));
    }
    if (chunk.isEncrypted()) {
      return;
    }
    long at = start;
    while (at < start + size) {
      in.seek(at);
      PageHeader page = Util.readPageHeader(in);
      int packed = page.getCompressed_page_size();
      int unpacked = page.getUncompressed_page_size();
      if (packed < 0 || packed > dataEnd - in.getPos()) {
        throw wrong(chunk, at, "said to have %d bytes, more than are left".formatted(packed));
      }
      if (unpacked < 0 || unpacked > MAX_PAGE_BYTES) {
        throw wrong(
            chunk,
            at,
            "said to have %d bytes unpacked; at most %d are possible: write it with smaller pages"
                .formatted(unpacked, MAX_PAGE_BYTES));
      }
      at = in.getPos() + packed;
    }
  }

  private static IOException wrong(ColumnChunkMetaData chunk, long at, String what) {
    return new IOException(
        "the page of column %s at byte %d is %s"
            .formatted(chunk.getPath().toDotString(), at, what));
  }
}
