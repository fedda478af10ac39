package dev.weft.jobs.ingest;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.xxhash64;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weft.datasets.format.ChatMessage;
import dev.weft.datasets.format.Prompt;
import dev.weft.datasets.format.Request;
import dev.weft.datasets.format.RequestException;
import dev.weft.datasets.format.RequestReader;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.RowError;
import dev.weft.jobs.error.WeftException;
import java.io.Serializable;
import java.math.BigDecimal;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.XXH64;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.AtomicType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.VariantType;

/**
 * Rows of Parquet and Delta tables. A row's number is its place within its data file, from 1. Delta
 * does not tell it, so rows are counted for each stretch of a file that one task reads, which is
 * the same stretch in both passes.
 */
final class TableRows {
  private static final String FILE = "_weft_file";
  private static final String BLOCK = "_weft_block";
  private static final String VALID = "_weft_valid";
  private static final String SAMPLING = "_weft_sampling";
  private static final String CARRIED = "_weft_carried";
  private static final String HASH = "_weft_hash";

  private TableRows() {}

  /** Rows and the columns that are carried through. */
  record Table(JavaRDD<IngestedRow> rows, StructType carried) {}

  /** Reads tables of one schema. */
  static Table read(List<Dataset<Row>> tables, WeftConfig config) {
    StructType schema = tables.getFirst().schema();
    TableColumns columns = TableColumns.of(schema);
    for (Dataset<Row> table : tables) {
      if (!table.schema().asNullable().equals(schema.asNullable())) {
        throw new WeftException(
            ErrorCode.INPUT_SCHEMA,
            "the input tables have different columns: %s and %s"
                .formatted(schema.simpleString(), table.schema().simpleString()));
      }
    }
    Numbering numbering = number(tables);
    JavaRDD<IngestedRow> all = null;
    for (Dataset<Row> table : tables) {
      JavaRDD<IngestedRow> rows =
          select(table, columns)
              .toJavaRDD()
              .mapPartitions(part -> new RowReader(columns, numbering, config).read(part));
      all = all == null ? rows : all.union(rows);
    }
    return new Table(all, columns.carried());
  }

  private static Dataset<Row> select(Dataset<Row> table, TableColumns columns) {
    List<Column> selected = new ArrayList<>();
    selected.add(col("_metadata.file_path").as(FILE));
    selected.add(col("_metadata.file_block_start").as(BLOCK));
    selected.add(valid(columns).as(VALID));
    selected.add(col(TableColumns.ID).cast("string").as(TableColumns.ID));
    selected.add(structOf(columns.sampling().stream().map(f -> f.name()).toList()).as(SAMPLING));
    selected.add(structOf(List.of(columns.carried().fieldNames())).as(CARRIED));
    selected.add(hash(table.schema()).as(HASH));
    columns.prompts().forEach(name -> selected.add(col(name)));
    return table.select(selected.toArray(Column[]::new));
  }

  /** Of all columns of a row; some types can be hashed as text only. */
  private static Column hash(StructType schema) {
    return xxhash64(
        Arrays.stream(schema.fields())
            .map(
                field -> {
                  Column value = column(field.name());
                  return hashable(field.dataType()) ? value : to_json(struct(value));
                })
            .toArray(Column[]::new));
  }

  private static boolean hashable(DataType type) {
    return switch (type) {
      case ArrayType array -> hashable(array.elementType());
      case StructType struct ->
          Arrays.stream(struct.fields()).allMatch(field -> hashable(field.dataType()));
      default -> type instanceof AtomicType && !(type instanceof VariantType);
    };
  }

  private static Column column(String name) {
    return col("`" + name.replace("`", "``") + "`");
  }

  private static Column structOf(List<String> names) {
    // A struct needs a field; the first one is never looked at.
    List<Column> fields = new ArrayList<>();
    fields.add(lit(true).as("_"));
    names.forEach(name -> fields.add(column(name)));
    return struct(fields.toArray(Column[]::new));
  }

  /** Whether all text of a row is UTF-8; Java strings cannot tell any more. */
  private static Column valid(TableColumns columns) {
    Column valid = coalesce(expr("is_valid_utf8(cast(id as string))"), lit(true));
    for (String prompt : columns.prompts()) {
      String check =
          switch (prompt) {
            case TableColumns.PROMPT -> "is_valid_utf8(prompt)";
            case TableColumns.MESSAGES ->
                "forall(messages, m -> coalesce(is_valid_utf8(m.role), true)"
                    + " and coalesce(is_valid_utf8(m.content), true))";
            default -> "true";
          };
      valid = valid.and(coalesce(expr(check), lit(true)));
    }
    return valid;
  }

  /** Number of the first row of each stretch, and of each file in the order of paths. */
  private record Numbering(Map<String, Integer> files, Map<String, Long> firstRows)
      implements Serializable {}

  private static Numbering number(List<Dataset<Row>> tables) {
    List<Row> counts = new ArrayList<>();
    for (Dataset<Row> table : tables) {
      counts.addAll(
          table
              .select(
                  col("_metadata.file_path").as(FILE), col("_metadata.file_block_start").as(BLOCK))
              .groupBy(FILE, BLOCK)
              .count()
              .collectAsList());
    }
    TreeMap<String, TreeMap<Long, Long>> byFile = new TreeMap<>();
    for (Row row : counts) {
      byFile
          .computeIfAbsent(row.getString(0), f -> new TreeMap<>())
          .put(row.getLong(1), row.getLong(2));
    }
    Map<String, Integer> files = new HashMap<>();
    Map<String, Long> firstRows = new HashMap<>();
    byFile.forEach(
        (file, blocks) -> {
          files.put(file, files.size());
          long first = 1;
          for (Map.Entry<Long, Long> block : blocks.entrySet()) {
            firstRows.put(stretch(file, block.getKey()), first);
            first += block.getValue();
          }
        });
    return new Numbering(files, firstRows);
  }

  private static String stretch(String file, long blockStart) {
    return blockStart + "@" + file;
  }

  /** Reads the rows of one partition. */
  private static final class RowReader {
    private final TableColumns columns;
    private final Numbering numbering;
    private final RequestReader reader;
    private String file;
    private String plainFile;
    private long block = -1;
    private long nextRow = 1;

    RowReader(TableColumns columns, Numbering numbering, WeftConfig config) {
      this.columns = columns;
      this.numbering = numbering;
      this.reader = RequestReaders.of(config);
    }

    Iterator<IngestedRow> read(Iterator<Row> rows) {
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          return readable(rows::hasNext);
        }

        @Override
        public IngestedRow next() {
          return row(readable(rows::next));
        }
      };
    }

    /** What the file's own reader says of a broken file is as it likes: nothing is documented. */
    private <T> T readable(Supplier<T> step) {
      try {
        return step.get();
      } catch (TaskKilledException e) {
        throw e;
      } catch (Exception e) {
        // Spark's exceptions are checked, and Scala does not declare them.
        throw new WeftException(
            ErrorCode.INPUT_UNREADABLE,
            "%s cannot be read behind row %d: %s"
                .formatted(plainFile == null ? "an input table" : plainFile, nextRow - 1, e),
            e);
      }
    }

    private IngestedRow row(Row row) {
      if (!row.getString(0).equals(file) || row.getLong(1) != block) {
        file = row.getString(0);
        block = row.getLong(1);
        plainFile = new Path(URI.create(file)).toString();
        Long first = numbering.firstRows().get(stretch(file, block));
        if (first == null) {
          throw new WeftException(
              ErrorCode.INPUT_UNREADABLE, plainFile + " changed while it was read");
        }
        nextRow = first;
      }
      long key = InputSet.rowKey(numbering.files().get(file), nextRow++);
      String id = row.getString(3);
      Row carried = row.getStruct(5);
      long hash = XXH64.hashLong(row.getLong(6), key);
      try {
        if (!row.getBoolean(2)) {
          RowError error =
              new RowError(ErrorCode.ROW_INVALID_UTF8, "id, prompt or messages are not UTF-8 text");
          return new IngestedRow(key, plainFile, null, null, error, carried, hash);
        }
        List<Prompt> prompts = prompts(row);
        if (prompts.size() > 1) {
          RowError error =
              new RowError(
                  ErrorCode.PROMPT_AMBIGUOUS,
                  "the row has more than one of " + String.join(", ", columns.prompts()));
          return new IngestedRow(key, plainFile, id, null, error, carried, hash);
        }
        Request request =
            reader.fromRow(id, prompts.isEmpty() ? null : prompts.getFirst(), sampling(row));
        return new IngestedRow(key, plainFile, id, request, null, carried, hash);
      } catch (RequestException e) {
        return new IngestedRow(key, plainFile, id, null, RequestReaders.error(e), carried, hash);
      }
    }

    private List<Prompt> prompts(Row row) {
      List<Prompt> prompts = new ArrayList<>();
      for (int i = 0; i < columns.prompts().size(); i++) {
        int at = 7 + i;
        if (row.isNullAt(at)) {
          continue;
        }
        prompts.add(
            switch (columns.prompts().get(i)) {
              case TableColumns.PROMPT -> new Prompt.Text(row.getString(at));
              case TableColumns.MESSAGES -> new Prompt.Messages(messages(row.getList(at)));
              default -> new Prompt.TokenIds(tokenIds(row.getList(at)));
            });
      }
      return prompts;
    }

    private static List<ChatMessage> messages(List<Row> rows) {
      List<ChatMessage> messages = new ArrayList<>(rows.size());
      for (Row row : rows) {
        messages.add(
            row == null
                ? new ChatMessage(null, null)
                : new ChatMessage(row.getAs("role"), row.getAs("content")));
      }
      return messages;
    }

    /** What does not fit becomes -1, which is in no vocabulary. */
    private static int[] tokenIds(List<? extends Number> values) {
      int[] ids = new int[values.size()];
      Arrays.setAll(
          ids,
          i -> {
            Number value = values.get(i);
            return value == null || value.longValue() != value.intValue() ? -1 : value.intValue();
          });
      return ids;
    }

    private ObjectNode sampling(Row row) {
      ObjectNode fields = JsonNodeFactory.instance.objectNode();
      Row values = row.getStruct(4);
      for (int i = 0; i < columns.sampling().size(); i++) {
        put(fields, columns.sampling().get(i).name(), values.get(i + 1));
      }
      return fields;
    }

    private static void put(ObjectNode fields, String name, Object value) {
      switch (value) {
        case null -> {}
        case Float number -> fields.put(name, number.doubleValue());
        case Double number -> fields.put(name, number);
        case BigDecimal number -> fields.put(name, number);
        case Number number -> fields.put(name, number.longValue());
        case Boolean flag -> fields.put(name, flag);
        case String text -> fields.put(name, text);
        case scala.collection.Seq<?> list -> {
          ArrayNode array = fields.putArray(name);
          scala.jdk.javaapi.CollectionConverters.asJava(list)
              .forEach(item -> array.add((String) item));
        }
        default ->
            throw new IllegalStateException("no sampling parameter is a " + value.getClass());
      }
    }
  }
}
