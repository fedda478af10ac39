package dev.weft.jobs.prepare;

import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelFormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** One preparer for each specification in this process, shared by its tasks. */
final class Preparers {
  /** Vocabularies are large: only the preparers of the latest jobs stay. */
  private static final int KEPT = 2;

  private static final Map<PrepareSpec, Preparer> OPEN =
      new LinkedHashMap<>(8, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<PrepareSpec, Preparer> eldest) {
          return size() > KEPT;
        }
      };

  private Preparers() {}

  static synchronized Preparer get(PrepareSpec spec, Configuration hadoop) {
    return OPEN.computeIfAbsent(spec, s -> open(s, hadoop));
  }

  private static Preparer open(PrepareSpec spec, Configuration hadoop) {
    Path file = spec.model().local(hadoop);
    // The tokenizer is kept in memory; the weights are not needed here.
    try (Model model = Model.open(file)) {
      return new Preparer(model.tokenizer(), spec);
    } catch (ModelFormatException | IOException e) {
      throw new WeftException(ErrorCode.MODEL_UNREADABLE, file + ": " + e.getMessage(), e);
    }
  }
}
