package dev.weft.jobs.ledger;

/**
 * One finished answer as the ledger has it.
 *
 * @param rowKey the request's place in the input
 * @param id the request's id
 * @param sample number of the answer, from 0
 * @param text the answer; null with an error
 * @param finishReason why it ended; null with an error
 * @param errorCode why there is no answer; null with one
 * @param errorMessage what is wrong
 * @param promptTokens tokens of the prompt
 * @param outputTokens tokens of the answer
 */
public record FinishedRow(
    long rowKey,
    String id,
    int sample,
    String text,
    String finishReason,
    String errorCode,
    String errorMessage,
    int promptTokens,
    int outputTokens) {}
