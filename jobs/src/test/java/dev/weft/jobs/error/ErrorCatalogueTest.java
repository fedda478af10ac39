package dev.weft.jobs.error;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.datasets.format.RowProblem;
import dev.weft.kernels.engine.EngineError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ErrorCatalogueTest {
  @Test
  void thePageIsUpToDate() throws IOException {
    Path page = Path.of(System.getProperty("weft.project.root"), "docs/errors.md");
    String expected = ErrorPage.markdown();
    if (Boolean.getBoolean("weft.write.docs")) {
      Files.writeString(page, expected);
    }
    assertThat(Files.readString(page))
        .as("run this test with -Dweft.write.docs=true to write the page again")
        .isEqualTo(expected);
  }

  @Test
  void whateverIsWrongWithARowHasACode() {
    for (RowProblem problem : RowProblem.values()) {
      assertThat(ErrorCode.valueOf(problem.name()).scope()).isEqualTo(ErrorCode.Scope.ROW);
    }
    for (EngineError error : EngineError.values()) {
      assertThat(ErrorCode.valueOf(error.name()).scope()).isEqualTo(ErrorCode.Scope.ROW);
    }
  }

  @Test
  void everyCodeSaysWhatItMeansAndWhatToDo() {
    for (ErrorCode code : ErrorCode.values()) {
      assertThat(code.meaning()).as(code.name()).endsWith(".").hasSizeGreaterThan(15);
      assertThat(code.hint()).as(code.name()).endsWith(".").hasSizeGreaterThan(15);
    }
  }
}
