package dev.weft.kernels.template;

import java.time.LocalDate;
import java.util.Objects;

/**
 * What a template sees beside the messages.
 *
 * @param bosToken text of the begin-of-sequence token, or null where the model has none
 * @param eosToken text of the end-of-sequence token, or null where the model has none
 * @param addGenerationPrompt whether the text ends with the opening of the assistant's answer
 * @param date what a template's {@code strftime_now} shows. Fixed for a run, so that a retry on
 *     another day renders the same text; templates cannot see the clock
 * @param guard keeps special tokens out of the messages' text
 */
public record RenderOptions(
    String bosToken,
    String eosToken,
    boolean addGenerationPrompt,
    LocalDate date,
    SpecialTokenGuard guard) {
  public RenderOptions {
    Objects.requireNonNull(date, "date");
    Objects.requireNonNull(guard, "guard");
  }
}
