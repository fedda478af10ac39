package dev.weft.jobs.ingest;

import dev.weft.datasets.format.RequestException;
import dev.weft.datasets.format.RequestLimits;
import dev.weft.datasets.format.RequestReader;
import dev.weft.datasets.format.SamplingParams;
import dev.weft.jobs.config.WeftConfig;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.RowError;
import java.util.List;
import java.util.OptionalLong;

/** Request readers of a configuration. */
final class RequestReaders {
  private RequestReaders() {}

  static RequestReader of(WeftConfig config) {
    WeftConfig.Sampling s = config.sampling();
    SamplingParams defaults =
        new SamplingParams(
            s.maxTokens(),
            s.temperature(),
            s.topP(),
            s.topK(),
            s.minP(),
            s.repetitionPenalty(),
            s.frequencyPenalty(),
            s.presencePenalty(),
            List.of(),
            OptionalLong.empty(),
            1,
            SamplingParams.NO_LOGPROBS);
    return new RequestReader(
        new RequestLimits(config.input().maxLineBytes(), config.input().maxPromptBytes()),
        defaults);
  }

  static RowError error(RequestException e) {
    return new RowError(ErrorCode.valueOf(e.problem().name()), e.getMessage());
  }
}
