package dev.weft.jobs.ingest;

import dev.weft.datasets.format.OpenAiBatch;
import dev.weft.datasets.format.Request;
import dev.weft.datasets.format.RequestException;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.RowError;
import dev.weft.jobs.error.WeftException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.catalyst.expressions.XXH64;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.util.SerializableConfiguration;

/**
 * OpenAI Batch files as rows. Files are cut into splits that are read in parallel; a first pass
 * counts the lines of each split, so that every row knows its line. Lines of white space only are
 * not rows.
 */
final class JsonlRows {
  private JsonlRows() {}

  static JavaRDD<IngestedRow> read(
      JavaSparkContext spark, InputSet input, WeftConfig config, long splitBytes) {
    SerializableConfiguration hadoop = new SerializableConfiguration(spark.hadoopConfiguration());
    List<JsonlSplit> splits = splits(spark, hadoop, input, splitBytes);
    return spark
        .parallelize(splits, splits.size())
        .mapPartitions(
            these -> {
              // One split for each partition.
              return new SplitRows(these.next(), hadoop.value(), config);
            });
  }

  private static List<JsonlSplit> splits(
      JavaSparkContext spark, SerializableConfiguration hadoop, InputSet input, long splitBytes) {
    CompressionCodecFactory codecs = new CompressionCodecFactory(hadoop.value());
    List<JsonlSplit> splits = new ArrayList<>();
    for (int file = 0; file < input.files().size(); file++) {
      InputFile one = input.files().get(file);
      if (codecs.getCodec(new Path(one.path())) != null) {
        splits.add(new JsonlSplit(file, one.path(), 0, Long.MAX_VALUE, true, 1));
        continue;
      }
      for (long start = 0; start == 0 || start < one.bytes(); start += splitBytes) {
        long end = Math.min(one.bytes(), start + splitBytes);
        splits.add(new JsonlSplit(file, one.path(), start, end, false, 1));
      }
    }
    if (splits.size() == input.files().size()) {
      return splits;
    }
    List<Long> lines =
        spark
            .parallelize(splits, splits.size())
            .map(split -> countLines(split, hadoop.value()))
            .collect();
    List<JsonlSplit> numbered = new ArrayList<>(splits.size());
    long firstLine = 1;
    for (int i = 0; i < splits.size(); i++) {
      JsonlSplit s = splits.get(i);
      firstLine = s.start() == 0 ? 1 : firstLine;
      numbered.add(
          new JsonlSplit(s.file(), s.path(), s.start(), s.end(), s.compressed(), firstLine));
      firstLine += lines.get(i);
    }
    return numbered;
  }

  /** Lines that begin within a split: one after each line end from the byte before it on. */
  private static long countLines(JsonlSplit split, Configuration hadoop) throws IOException {
    if (split.compressed()) {
      return 0;
    }
    long count = split.start() == 0 && split.end() > 0 ? 1 : 0;
    long position = Math.max(0, split.start() - 1);
    long end = split.end() - 1;
    byte[] buffer = new byte[1 << 16];
    Path path = new Path(split.path());
    try (FSDataInputStream in = path.getFileSystem(hadoop).open(path)) {
      in.seek(position);
      while (position < end) {
        int read = in.read(buffer, 0, (int) Math.min(buffer.length, end - position));
        if (read <= 0) {
          break;
        }
        for (int i = 0; i < read; i++) {
          count += buffer[i] == '\n' ? 1 : 0;
        }
        position += read;
      }
    }
    return count;
  }

  /** The rows of one split. */
  private static final class SplitRows implements Iterator<IngestedRow> {
    private final JsonlSplit split;
    private final int maxLineBytes;
    private final OpenAiBatch parser;
    private final InputStream in;
    private final LineReader lines;
    private final long begin;
    private long line;
    private IngestedRow next;

    SplitRows(JsonlSplit split, Configuration hadoop, WeftConfig config) throws IOException {
      this.split = split;
      this.maxLineBytes = config.input().maxLineBytes();
      this.parser = new OpenAiBatch(RequestReaders.of(config));
      Path path = new Path(split.path());
      FSDataInputStream raw = path.getFileSystem(hadoop).open(path);
      if (split.compressed()) {
        CompressionCodec codec = new CompressionCodecFactory(hadoop).getCodec(path);
        in = codec.createInputStream(raw);
      } else {
        in = raw;
      }
      lines = new LineReader(in, maxLineBytes);
      line = split.firstLine();
      begin = Math.max(0, split.start() - 1);
      try {
        if (split.start() > 0) {
          // The line that holds the byte before the split belongs to the split before.
          raw.seek(begin);
          lines.next();
        }
        advance();
      } catch (IOException e) {
        throw unreadable(e);
      }
    }

    private WeftException unreadable(IOException e) {
      return new WeftException(
          ErrorCode.INPUT_UNREADABLE,
          "%s cannot be read near line %d: %s".formatted(split.path(), line, e),
          e);
    }

    @Override
    public boolean hasNext() {
      return next != null;
    }

    @Override
    public IngestedRow next() {
      if (next == null) {
        throw new NoSuchElementException();
      }
      IngestedRow row = next;
      try {
        advance();
      } catch (IOException e) {
        throw unreadable(e);
      }
      return row;
    }

    private void advance() throws IOException {
      next = null;
      while (next == null) {
        if (begin + lines.consumed() >= split.end() || !lines.next()) {
          in.close();
          return;
        }
        next = row();
        line++;
      }
    }

    private IngestedRow row() {
      byte[] bytes = lines.line();
      int offset = line == 1 && hasByteOrderMark(bytes, lines.length()) ? 3 : 0;
      if (!lines.tooLong() && isBlank(bytes, offset, lines.length())) {
        return null;
      }
      long key = InputSet.rowKey(split.file(), line);
      // Of a line that is too long, what is kept and the length.
      long hash =
          XXH64.hashUnsafeBytes(
              bytes,
              (long) Platform.BYTE_ARRAY_OFFSET + offset,
              lines.length() - offset,
              XXH64.hashLong(lines.fullLength(), key));
      if (lines.tooLong()) {
        String message =
            "the line has %d bytes; at most %d are possible"
                .formatted(lines.fullLength(), maxLineBytes);
        return new IngestedRow(
            key,
            split.path(),
            null,
            null,
            new RowError(ErrorCode.ROW_TOO_LARGE, message),
            null,
            hash);
      }
      try {
        Request request = parser.parse(bytes, offset, lines.length() - offset);
        return new IngestedRow(key, split.path(), request.id(), request, null, null, hash);
      } catch (RequestException e) {
        return new IngestedRow(
            key, split.path(), e.id(), null, RequestReaders.error(e), null, hash);
      }
    }

    private static boolean hasByteOrderMark(byte[] bytes, int length) {
      return length >= 3
          && bytes[0] == (byte) 0xEF
          && bytes[1] == (byte) 0xBB
          && bytes[2] == (byte) 0xBF;
    }

    private static boolean isBlank(byte[] bytes, int offset, int length) {
      for (int i = offset; i < length; i++) {
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r') {
          return false;
        }
      }
      return true;
    }
  }
}
