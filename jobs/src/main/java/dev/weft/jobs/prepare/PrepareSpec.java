package dev.weft.jobs.prepare;

import dev.weft.jobs.config.WeftConfig;
import java.io.Serializable;

/**
 * What token ids depend on, beside the request.
 *
 * @param model the model whose tokenizer is used
 * @param template source of the chat template
 * @param templateDate ISO date that templates see, the same for the whole run
 * @param contextTokens longest sequence of prompt and answer
 * @param longPrompts what becomes of prompts that do not fit
 */
public record PrepareSpec(
    ModelFile model,
    String template,
    String templateDate,
    int contextTokens,
    WeftConfig.LongPrompts longPrompts)
    implements Serializable {}
