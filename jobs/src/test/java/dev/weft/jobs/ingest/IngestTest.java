package dev.weft.jobs.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.weft.datasets.format.Prompt;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.config.WeftConfig.Format;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.job.TestSpark;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.Util;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IngestTest {
  private final SparkSession spark = TestSpark.session();
  @TempDir Path folder;

  /** What a test compares of a row. */
  private record Seen(String file, long line, String id, String text, ErrorCode error) {}

  private InputSet resolve(String... paths) {
    return Ingest.pinned(
        spark,
        new InputResolver(spark.sparkContext().hadoopConfiguration())
            .resolve(List.of(paths), Format.AUTO));
  }

  private static List<Seen> collect(JavaRDD<IngestedRow> rows) {
    List<Seen> seen =
        new ArrayList<>(
            rows
                .map(
                    row ->
                        new Object[] {
                          row.rowKey(),
                          row.file(),
                          row.id(),
                          row.request() != null
                                  && row.request().prompt() instanceof Prompt.Text text
                              ? text.text()
                              : null,
                          row.error() == null ? null : row.error().code()
                        })
                .collect()
                .stream()
                .sorted(Comparator.comparingLong(o -> (Long) o[0]))
                .map(
                    o ->
                        new Seen(
                            new org.apache.hadoop.fs.Path((String) o[1]).getName(),
                            InputSet.lineOf((Long) o[0]),
                            (String) o[2],
                            (String) o[3],
                            (ErrorCode) o[4]))
                .toList());
    return seen;
  }

  private static String line(String id, String prompt) {
    return "{\"custom_id\":\"%s\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"%s\"}}"
        .formatted(id, prompt);
  }

  @Test
  void everyLineOnceWithItsNumberWhateverTheSplits() throws IOException {
    long seed = 11;
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder("\uFEFF");
    List<Seen> expected = new ArrayList<>();
    long number = 0;
    for (int i = 0; i < 300; i++) {
      number++;
      switch (random.nextInt(6)) {
        case 0 -> text.append(random.nextBoolean() ? "\n" : "  \r\n");
        case 1 -> {
          text.append("{broken\n");
          expected.add(new Seen("a.jsonl", number, null, null, ErrorCode.ROW_BROKEN_JSON));
        }
        default -> {
          String prompt = "é".repeat(1 + random.nextInt(40));
          text.append(line("id" + i, prompt)).append(random.nextBoolean() ? "\n" : "\r\n");
          expected.add(new Seen("a.jsonl", number, "id" + i, prompt, null));
        }
      }
    }
    text.append(line("last", "no line end"));
    expected.add(new Seen("a.jsonl", number + 1, "last", "no line end", null));
    Path file = Files.writeString(folder.resolve("a.jsonl"), text);
    InputSet input = resolve(file.toString());
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    for (long split : new long[] {1 << 20, 4096, 700, 64}) {
      assertThat(collect(JsonlRows.read(context, input, WeftConfig.defaults(), split)))
          .as("seed %d, split %d", seed, split)
          .isEqualTo(expected);
    }
  }

  @Test
  void longLinesAreRefusedWithoutBeingHeld() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("a.jsonl"),
            line("a", "x".repeat(5_000)) + "\n" + line("b", "short") + "\n");
    WeftConfig config = WeftConfig.of(Map.of("input.maxLineBytes", "2048"));
    List<Seen> rows = collect(Ingest.read(spark, resolve(file.toString()), config).rows());
    assertThat(rows)
        .containsExactly(
            new Seen("a.jsonl", 1, null, null, ErrorCode.ROW_TOO_LARGE),
            new Seen("a.jsonl", 2, "b", "short", null));
  }

  @Test
  void foldersGlobsAndCompressedFiles() throws IOException {
    Files.createDirectories(folder.resolve("in/part two"));
    Files.writeString(folder.resolve("in/one.jsonl"), line("1", "a") + "\n");
    Files.writeString(folder.resolve("in/part two/two.ndjson"), line("2", "b"));
    Files.writeString(folder.resolve("in/_hidden.jsonl"), line("9", "x"));
    Files.writeString(folder.resolve("in/readme.txt"), "not a request");
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(folder.resolve("in/zip.jsonl.gz")))) {
      out.write((line("3", "c") + "\n" + line("4", "d")).getBytes());
    }
    List<Seen> all =
        collect(
            Ingest.read(spark, resolve(folder.resolve("in").toString()), WeftConfig.defaults())
                .rows());
    assertThat(all).extracting(Seen::id).containsExactlyInAnyOrder("1", "2", "3", "4");
    assertThat(all).contains(new Seen("zip.jsonl.gz", 2, "4", "d", null));
    assertThat(resolve(folder + "/in/*.jsonl").files()).hasSize(1);
    assertThat(resolve(folder + "/in/{one.jsonl,zip*}").files()).hasSize(2);
  }

  @Test
  void sameTableInParquetAndDeltaGivesTheSameRows() {
    var table =
        spark.sql(
            """
            select concat('r', lpad(id, 3, '0')) as id,
              case when id % 7 = 3 then null else concat('text ', id) end as prompt,
              cast(id % 3 as float) as temperature,
              struct(id as a, array(id) as b) as extra,
              cast(id as decimal(10,2)) as `my col`
            from range(0, 100, 1, 4)
            """);
    table.write().parquet(folder.resolve("p q").toString());
    table.withColumnRenamed("my col", "my_col").write().format("delta").save(folder + "/d t");
    Ingest.Rows parquet = Ingest.read(spark, resolve(folder + "/p q"), WeftConfig.defaults());
    Ingest.Rows delta = Ingest.read(spark, resolve(folder + "/d t"), WeftConfig.defaults());
    assertThat(parquet.carried().fieldNames()).containsExactly("extra", "my col");
    assertThat(delta.carried().fieldNames()).containsExactly("extra", "my_col");
    List<Seen> rows = collect(parquet.rows());
    assertThat(rows).hasSize(100);
    assertThat(rows.stream().filter(r -> r.error() == ErrorCode.PROMPT_MISSING)).hasSize(14);
    assertThat(rows.stream().map(Seen::line).distinct()).hasSize(25);
    assertThat(collect(delta.rows()))
        .usingElementComparator(
            Comparator.comparing(Seen::id).thenComparing(r -> String.valueOf(r.text())))
        .containsExactlyInAnyOrderElementsOf(rows);
  }

  @Test
  void partitionFoldersGiveColumnsAndDeletedDeltaRowsAreGone() {
    spark
        .sql("select cast(id as string) as id, 'x' as prompt, id % 2 as half from range(10)")
        .write()
        .partitionBy("half")
        .parquet(folder + "/parts");
    assertThat(
            Ingest.read(spark, resolve(folder + "/parts"), WeftConfig.defaults())
                .carried()
                .fieldNames())
        .containsExactly("half");
    spark
        .sql("select id, 'x' as prompt from range(0, 50, 1, 1)")
        .write()
        .format("delta")
        .option("delta.enableDeletionVectors", "true")
        .save(folder + "/deleted");
    io.delta.tables.DeltaTable.forPath(spark, folder + "/deleted").delete("id < 20");
    List<Seen> left =
        collect(Ingest.read(spark, resolve(folder + "/deleted"), WeftConfig.defaults()).rows());
    assertThat(left).hasSize(30);
    assertThat(left.stream().map(Seen::line)).doesNotHaveDuplicates();
  }

  @Test
  void tableRowsAreCheckedAsApiRequestsAre() {
    spark
        .sql(
            """
            select id, from_json(messages, 'array<struct<role: string, content: string>>') as messages,
              from_json(tokens, 'array<bigint>') as token_ids, n
            from values
              ('ok', '[{"role": "user", "content": "hi"}]', null, 1),
              ('role', '[{"role": "boss", "content": "hi"}]', null, 1),
              ('null', '[null]', null, 1),
              ('both', '[{"role": "user", "content": "hi"}]', '[1]', 1),
              ('none', null, null, 1),
              ('n', null, '[5]', 0),
              ('far', null, '[5000000000]', 1),
              (null, null, '[5]', 1)
            as t(id, messages, tokens, n)
            """)
        .write()
        .parquet(folder + "/t");
    List<Seen> rows =
        collect(Ingest.read(spark, resolve(folder + "/t"), WeftConfig.defaults()).rows());
    assertThat(rows)
        .extracting(Seen::id, Seen::error)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple("ok", null),
            org.assertj.core.groups.Tuple.tuple("role", ErrorCode.ROLE_UNKNOWN),
            org.assertj.core.groups.Tuple.tuple("null", ErrorCode.ROLE_UNKNOWN),
            org.assertj.core.groups.Tuple.tuple("both", ErrorCode.PROMPT_AMBIGUOUS),
            org.assertj.core.groups.Tuple.tuple("none", ErrorCode.PROMPT_MISSING),
            org.assertj.core.groups.Tuple.tuple("n", ErrorCode.PARAMETER_OUT_OF_RANGE),
            org.assertj.core.groups.Tuple.tuple("far", null),
            org.assertj.core.groups.Tuple.tuple(null, ErrorCode.ID_MISSING));
    spark
        .sql("select 'a' as id, cast(unhex('41FF42') as string) as prompt")
        .write()
        .parquet(folder + "/utf8");
    assertThat(collect(Ingest.read(spark, resolve(folder + "/utf8"), WeftConfig.defaults()).rows()))
        .extracting(Seen::error)
        .containsExactly(ErrorCode.ROW_INVALID_UTF8);
  }

  @Test
  void saysWhatIsWrongWithTheInputBeforeReadingIt() throws IOException {
    Files.writeString(folder.resolve("a.txt"), "x");
    Files.writeString(folder.resolve("a.jsonl"), "x");
    Files.createDirectories(folder.resolve("empty"));
    spark.range(3).write().parquet(folder + "/noprompt");
    spark.sql("select 'a' as id, 3 as prompt").write().parquet(folder + "/type");
    fails(ErrorCode.INPUT_NOT_FOUND, "nothing matches", folder + "/none*");
    fails(ErrorCode.INPUT_NOT_FOUND, "holds no input files", folder + "/empty");
    fails(ErrorCode.INPUT_UNREADABLE, "no known ending", folder + "/a.txt");
    fails(ErrorCode.INPUT_UNREADABLE, "mixes formats", folder + "/a.jsonl", folder + "/type");
    fails(ErrorCode.OPTION_INVALID, "twice", folder + "/a.jsonl", folder + "/*.jsonl");
    fails(ErrorCode.INPUT_SCHEMA, "none of the columns prompt", folder + "/noprompt");
    fails(ErrorCode.INPUT_SCHEMA, "column prompt is of type int", folder + "/type");
    Files.copy(folder.resolve("a.txt"), folder.resolve("fake.parquet"));
    fails(ErrorCode.INPUT_UNREADABLE, "fake.parquet", folder + "/fake.parquet");
  }

  /** Tables whose columns Spark has its own trouble with. */
  @Test
  void tablesOfStrangeColumnsAreReadOrRefusedByName() {
    spark
        .sql(
            """
            select 'a' as id, 'x' as prompt, 1 as `_metadata`, 2 as `_weft_file`, 3 as `a.b`,
              4 as `c``d`, array(map('k', named_struct('v', array(1)))) as nested
            """)
        .write()
        .parquet(folder + "/strange");
    try {
      assertThat(
              collect(
                  Ingest.read(spark, resolve(folder + "/strange"), WeftConfig.defaults()).rows()))
          .extracting(Seen::text)
          .containsExactly("x");
    } catch (WeftException e) {
      assertThat(e.code()).isIn(ErrorCode.INPUT_SCHEMA, ErrorCode.INPUT_UNREADABLE);
    }
    spark.conf().set("spark.sql.caseSensitive", "true");
    try {
      spark.sql("select 'a' as id, 'b' as ID, 'x' as prompt").write().parquet(folder + "/twice");
    } finally {
      spark.conf().set("spark.sql.caseSensitive", "false");
    }
    assertThatExceptionOfType(WeftException.class)
        .isThrownBy(() -> Ingest.read(spark, resolve(folder + "/twice"), WeftConfig.defaults()))
        .matches(e -> e.code() == ErrorCode.INPUT_UNREADABLE);
  }

  /** Damage inside of a file shows when its rows are read, within a task. */
  @Test
  void brokenFilesEndInACodeOfTheCatalogue() throws IOException {
    spark
        .range(2000)
        .selectExpr("cast(id as string) as id", "repeat(cast(hash(id) as string), 20) as prompt")
        .coalesce(1)
        .write()
        .parquet(folder + "/whole");
    Path whole;
    try (var files = Files.list(folder.resolve("whole"))) {
      whole = files.filter(f -> f.toString().endsWith(".parquet")).findFirst().orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(whole);
    long seed = new Random().nextLong();
    System.out.println("IngestTest seed " + seed);
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < 12; i++) {
      byte[] broken = bytes.clone();
      for (int n = 0; n < 20; n++) {
        broken[random.nextInt(broken.length)] ^= (byte) (1 << random.nextInt(8));
      }
      Path file = Files.write(folder.resolve("broken" + i + ".parquet"), broken);
      refused += readsOrRefuses(file, "seed " + seed + ", case " + i) ? 0 : 1;
    }
    assertThat(refused).as("seed %d", seed).isPositive();
    byte[] zipped;
    try (var buffer = new java.io.ByteArrayOutputStream()) {
      try (OutputStream out = new GZIPOutputStream(buffer)) {
        for (int i = 0; i < 500; i++) {
          out.write((line("r" + i, "x" + random.nextLong()) + "\n").getBytes());
        }
      }
      zipped = buffer.toByteArray();
    }
    Path cut = folder.resolve("cut.jsonl.gz");
    Files.write(cut, java.util.Arrays.copyOf(zipped, zipped.length / 2));
    assertThat(readsOrRefuses(cut, "cut")).isFalse();
    zipped[zipped.length / 2] ^= 0x55;
    readsOrRefuses(Files.write(folder.resolve("bad.jsonl.gz"), zipped), "bad");
    readsOrRefuses(Files.writeString(folder.resolve("no.jsonl.gz"), "no gzip"), "no");
  }

  /** The reader of Parquet would allocate what these ask for. */
  @Test
  void sizesThatAFileCannotHaveAreRefused() throws IOException {
    spark
        .range(100)
        .selectExpr("cast(id as string) as id", "'text ' || id as prompt")
        .coalesce(1)
        .write()
        .parquet(folder + "/sound");
    Path sound;
    try (var files = Files.list(folder.resolve("sound"))) {
      sound = files.filter(f -> f.toString().endsWith(".parquet")).findFirst().orElseThrow();
    }
    assertThat(readsOrRefuses(sound, "sound")).isTrue();
    byte[] bytes = Files.readAllBytes(sound);
    int start;
    try (var reader =
        ParquetFileReader.open(
            HadoopInputFile.fromPath(
                new org.apache.hadoop.fs.Path(sound.toUri()),
                spark.sparkContext().hadoopConfiguration()))) {
      start =
          (int) reader.getFooter().getBlocks().getLast().getColumns().getLast().getStartingPos();
    }
    ByteBuffer rest = ByteBuffer.wrap(bytes, start, bytes.length - start);
    var in = new ByteArrayInputStream(bytes, start, bytes.length - start);
    PageHeader header = Util.readPageHeader(in);
    rest.position(bytes.length - in.available());
    header.setUncompressed_page_size(Integer.MAX_VALUE - 100);
    var out = new ByteArrayOutputStream();
    out.write(bytes, 0, start);
    Util.writePageHeader(header, out);
    out.write(bytes, rest.position(), rest.remaining());
    Path page = Files.write(folder.resolve("page.parquet"), out.toByteArray());
    assertThat(readsOrRefuses(page, "page")).isFalse();
    failsToRead("at most 134217728 are possible", page);

    int footer = 8 + ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(bytes.length - 8);
    var cutBytes = new ByteArrayOutputStream();
    cutBytes.write(bytes, 0, start);
    cutBytes.write(bytes, bytes.length - footer, footer);
    Path cut = Files.write(folder.resolve("cut.parquet"), cutBytes.toByteArray());
    failsToRead("but the data end at byte", cut);

    // Spark reads footers for the schema already: these must not get there.
    int tail = bytes.length - 8;
    byte[] data = Arrays.copyOf(bytes, tail - (footer - 8));
    // Field 1: version 1; field 2: a list of 2^30 structs.
    byte[] manyColumns = {0x15, 0x02, 0x19, (byte) 0xFC, -128, -128, -128, -128, 4, 0};
    failsToRead("names 1073741824 elements", withFooter("many", data, manyColumns, 10));
    // Field 2: a list of lists of lists ...
    byte[] deep = new byte[200];
    Arrays.fill(deep, (byte) 0x19);
    deep[0] = 0x29;
    failsToRead("nests deeper than 32", withFooter("deep", data, deep, deep.length));
    byte[] whole = Arrays.copyOfRange(bytes, data.length, tail);
    assertThat(readsOrRefuses(withFooter("whole", data, whole, whole.length), "whole")).isTrue();
    failsToRead("its footer is said to have", withFooter("long", data, whole, 1 << 30));
    failsToRead("its footer is said to have", withFooter("negative", data, whole, -5));
    failsToRead("is no Parquet file", Files.writeString(folder.resolve("tiny.parquet"), "PAR1"));
  }

  private Path withFooter(String name, byte[] data, byte[] footer, int length) throws IOException {
    ByteBuffer file =
        ByteBuffer.allocate(data.length + footer.length + 8).order(ByteOrder.LITTLE_ENDIAN);
    file.put(data).put(footer).putInt(length).put("PAR1".getBytes(UTF_8));
    return Files.write(folder.resolve(name + ".parquet"), file.array());
  }

  private void failsToRead(String message, Path file) {
    assertThatExceptionOfType(WeftException.class)
        .isThrownBy(() -> Ingest.read(spark, resolve(file.toString()), WeftConfig.defaults()))
        .matches(e -> e.code() == ErrorCode.INPUT_UNREADABLE)
        .withMessageContaining(message)
        .withMessageContaining(file.getFileName().toString());
  }

  private boolean readsOrRefuses(Path file, String which) {
    try {
      collect(Ingest.read(spark, resolve(file.toString()), WeftConfig.defaults()).rows());
      return true;
    } catch (Exception e) {
      assertThat(WeftException.within(e)).as(which).isInstanceOf(WeftException.class);
      WeftException known = (WeftException) WeftException.within(e);
      assertThat(known.code()).as(which).isEqualTo(ErrorCode.INPUT_UNREADABLE);
      assertThat(known).hasMessageContaining(file.getFileName().toString());
      return false;
    }
  }

  private void fails(ErrorCode code, String message, String... paths) {
    assertThatExceptionOfType(WeftException.class)
        .isThrownBy(() -> Ingest.read(spark, resolve(paths), WeftConfig.defaults()))
        .withMessageContaining(message)
        .matches(e -> e.code() == code);
  }
}
