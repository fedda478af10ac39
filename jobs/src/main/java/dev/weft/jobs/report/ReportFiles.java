package dev.weft.jobs.report;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.run.RunSummary;
import dev.weft.jobs.secret.Secrets;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Writes {@code report.json} and {@code report.html} into an output folder on any storage. */
public final class ReportFiles {
  private static final String JSON_NAME = "report.json";
  private static final String HTML_NAME = "report.html";
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .registerModule(
              new SimpleModule()
                  .addSerializer(double.class, new FiniteOnly())
                  .addSerializer(Double.class, new FiniteOnly()));

  private ReportFiles() {}

  /**
   * Writes both files, except over those of the start that did the work when this start found the
   * run complete.
   */
  public static void write(Configuration hadoop, RunSummary run, WeftConfig config)
      throws IOException {
    Path folder = new Path(config.output().path());
    Path json = new Path(folder, JSON_NAME);
    Path html = new Path(folder, HTML_NAME);
    FileSystem storage = folder.getFileSystem(hadoop);
    if (!run.outcome().wasComplete() || !storage.exists(json)) {
      put(storage, json, json(run, config));
      put(
          storage,
          html,
          HtmlReport.render(run, Secrets.hide(config.entries()), WeftConfig.defaults().entries()));
    }
  }

  /** The summary with the configuration; a number that is not known is null. */
  static String json(RunSummary run, WeftConfig config) throws IOException {
    ObjectNode root = JSON.valueToTree(run);
    root.set("configuration", JSON.valueToTree(Secrets.hide(config.entries())));
    return JSON.writeValueAsString(root) + "\n";
  }

  /** Any summary as JSON; a number that is not known is null. */
  public static String json(Object summary) throws IOException {
    return JSON.writeValueAsString(summary);
  }

  private static void put(FileSystem storage, Path file, String text) throws IOException {
    try (OutputStream out = storage.create(file, true)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  /** JSON has no NaN and no infinity. */
  private static final class FiniteOnly extends JsonSerializer<Double> {
    @Override
    public void serialize(Double value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      if (Double.isFinite(value)) {
        out.writeNumber(value);
      } else {
        out.writeNull();
      }
    }
  }
}
