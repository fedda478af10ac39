package dev.weft.benchmarks.recovery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.WeftException;
import dev.weft.jobs.job.WeftJob;
import dev.weft.jobs.ledger.PieceName;
import dev.weft.jobs.run.ProgressListener;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.run.Stage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A driver that runs one job after the other: one {@link Command} as JSON on each line of the
 * input, one {@link Reply} on a line of the output that begins with {@value #REPLY}; lines between
 * tell the stage of the job, and the executor of each task that starts or ends. It ends with its
 * input.
 */
final class JobDriver {
  static final String REPLY = "@reply ";
  static final String STAGE = "@stage ";
  static final String TASK_STARTED = "@started ";
  static final String TASK_ENDED = "@ended ";
  static final JsonMapper JSON = new JsonMapper();

  /**
   * What to do.
   *
   * @param what {@code run} a job, or {@code check} its results
   * @param job keys of the job's configuration
   * @param reference output folder of the undisturbed run; for {@code check}
   */
  record Command(String what, Map<String, String> job, String reference) {}

  /**
   * What came of it.
   *
   * @param error why a job failed; empty if it did not
   * @param rows input rows
   * @param seconds of the job
   * @param lost rows without a result, for {@code check} as all below
   * @param duplicated results more than rows
   * @param changed rows with other bytes than in the reference
   * @param repeated answers that are in the ledger more than once
   */
  record Reply(
      String error,
      long rows,
      double seconds,
      long lost,
      long duplicated,
      long changed,
      long repeated) {}

  private final SparkSession spark;
  private final PrintStream out;
  private final Map<String, Map<String, String>> references = new LinkedHashMap<>();

  private JobDriver(SparkSession spark, PrintStream out) {
    this.spark = spark;
    this.out = out;
  }

  /** Arguments: keys and values of Spark's configuration by turns. */
  public static void main(String[] arguments) throws Exception {
    PrintStream out = System.out;
    System.setOut(System.err);
    SparkSession.Builder builder = SparkSession.builder().appName("weft-recovery");
    for (int i = 0; i < arguments.length; i += 2) {
      builder.config(arguments[i], arguments[i + 1]);
    }
    SparkSession spark = builder.getOrCreate();
    spark.sparkContext().setLogLevel("WARN");
    spark.sparkContext().addSparkListener(new TaskPrinter(out));
    JobDriver driver = new JobDriver(spark, out);
    out.println(REPLY + JSON.writeValueAsString(reply("", 0, 0)));
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        Reply reply = driver.answer(JSON.readValue(line, Command.class));
        out.println(REPLY + JSON.writeValueAsString(reply));
      }
    }
    // Nobody waits for a clean end.
    Runtime.getRuntime().halt(0);
  }

  private Reply answer(Command command) {
    long began = System.nanoTime();
    try {
      WeftConfig config = WeftConfig.of(command.job());
      if (command.what().equals("check")) {
        return check(config, command.reference());
      }
      RunSummary run = WeftJob.run(spark, config, new StagePrinter());
      return reply("", run.rows().total(), (System.nanoTime() - began) / 1e9);
    } catch (Exception e) {
      String code = e instanceof WeftException weft ? weft.code() + ": " : "";
      return reply(code + e.getMessage(), 0, (System.nanoTime() - began) / 1e9);
    }
  }

  private static Reply reply(String error, long rows, double seconds) {
    return new Reply(error, rows, seconds, 0, 0, 0, 0);
  }

  private final class StagePrinter implements ProgressListener {
    @Override
    public void stageStarted(Stage stage) {
      out.println(STAGE + stage);
    }
  }

  private static final class TaskPrinter extends SparkListener {
    private final PrintStream out;

    TaskPrinter(PrintStream out) {
      this.out = out;
    }

    @Override
    public void onTaskStart(SparkListenerTaskStart task) {
      out.println(TASK_STARTED + task.taskInfo().executorId());
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd task) {
      out.println(TASK_ENDED + task.taskInfo().executorId());
    }
  }

  private Reply check(WeftConfig config, String reference) throws Exception {
    Map<String, String> expected =
        references.computeIfAbsent(reference, r -> answers(r, new long[1]));
    String output = config.output().path();
    long[] duplicated = new long[1];
    Map<String, String> found = answers(output, duplicated);
    long lost = expected.keySet().stream().filter(id -> !found.containsKey(id)).count();
    long changed =
        expected.entrySet().stream()
            .filter(
                e -> found.containsKey(e.getKey()) && !found.get(e.getKey()).equals(e.getValue()))
            .count();
    long strangers = found.keySet().stream().filter(id -> !expected.containsKey(id)).count();
    return new Reply(
        "",
        expected.size(),
        0,
        lost,
        duplicated[0] + strangers,
        changed,
        rowsInLedger(new Path(output, "_weft/runs/" + config.run().id() + "/ledger"))
            - rowsInLedger(new Path(reference, "_weft/runs/undisturbed/ledger")));
  }

  /** By the names of its whole pieces: a torn one was never counted as finished. */
  private long rowsInLedger(Path ledger) throws IOException {
    long rows = 0;
    var fs = ledger.getFileSystem(spark.sparkContext().hadoopConfiguration());
    for (FileStatus file : fs.listStatus(ledger)) {
      rows +=
          PieceName.parse(file.getPath().getName())
              .filter(name -> name.kind() == PieceName.Kind.RESULTS)
              .filter(name -> name.bytes() == file.getLen())
              .map(PieceName::rows)
              .orElse(0L);
    }
    return rows;
  }

  /** Answers by id, without anything that depends on the run. */
  private Map<String, String> answers(String output, long[] duplicated) {
    Map<String, String> answers = new TreeMap<>();
    List<Row> rows =
        spark
            .read()
            .format("delta")
            .load(output + "/results")
            .selectExpr(
                "coalesce(id, concat('row ', row_key)) as id",
                "to_json(struct(status, text, finish_reason, choices, prompt_tokens, output_tokens,"
                    + " error.code)) as answer")
            .collectAsList();
    for (Row row : rows) {
      if (answers.put(row.getString(0), row.getString(1)) != null) {
        duplicated[0]++;
      }
    }
    return answers;
  }
}
