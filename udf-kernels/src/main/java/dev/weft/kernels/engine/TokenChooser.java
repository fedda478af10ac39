package dev.weft.kernels.engine;

import dev.weft.batching.schedule.Sequence;
import dev.weft.kernels.sampling.LogitRows;
import dev.weft.kernels.sampling.RandomStream;
import dev.weft.kernels.sampling.Sampler;
import dev.weft.kernels.sampling.SamplingParams;
import dev.weft.kernels.tokenizer.Tokenizer;

/** Draws the next token of an answer and decides whether the answer ends with it. */
final class TokenChooser {
  /** The answer has ended with an error. */
  static final int FAILED = -1;

  /** The answer is complete. */
  static final int FINISHED = -2;

  private final Sampler sampler;
  private final Tokenizer tokenizer;
  private final int[] topScratch = new int[RequestSchema.MAX_LOGPROBS];

  TokenChooser(int vocabulary, Tokenizer tokenizer) {
    this.sampler = new Sampler(vocabulary, RequestSchema.MAX_LOGPROBS);
    this.tokenizer = tokenizer;
  }

  /**
   * @param logits as many as {@link GenerationRequest#tokensNeeded} says
   * @param row that of the last token of the sequence
   * @return the token to go on with, {@link #FINISHED} or {@link #FAILED}
   */
  int choose(Answer answer, Sequence sequence, LogitRows logits, int row) {
    GenerationRequest request = answer.request;
    if (!logits.load(row, sampler)) {
      answer.fail(
          EngineError.ENGINE_NONFINITE_LOGITS,
          "the model gave logits that are not numbers for the token at position "
              + sequence.length()
              + "; its weights are damaged, or the prompt drives it out of range");
      return FAILED;
    }
    SamplingParams sampling = request.sampling();
    double uniform =
        sampling.greedy()
            ? 0
            : RandomStream.uniform(request.randomKey(), answer.sample, answer.outputTokens);
    int token =
        sampler.draw(
            sampling, sequence.tokens(), sequence.promptTokens(), sequence.length(), uniform);
    answer.outputTokens++;
    if (!request.ignoreEos() && tokenizer.isEndOfGeneration(token)) {
      return stop(answer, "eos");
    }
    if (request.isStopToken(token)) {
      return stop(answer, "token:" + token);
    }
    answer.add(token, sampler, topScratch);
    if (request.stops().length > 0) {
      if (answer.stopText == null) {
        answer.stopText = new StopText(request.stops(), tokenizer);
      }
      if (answer.stopText.accept(token)) {
        return stop(answer, answer.stopText.found());
      }
    }
    if (answer.length == request.maxOutputTokens()) {
      if (answer.stopText != null && answer.stopText.finish()) {
        return stop(answer, answer.stopText.found());
      }
      answer.finishReason = "length";
      return FINISHED;
    }
    return token;
  }

  private static int stop(Answer answer, String reason) {
    if (answer.stopText != null) {
      answer.stopText.finish();
    }
    answer.finishReason = "stop";
    answer.stopReason = reason;
    return FINISHED;
  }
}
