package dev.weft.datasets.format;

import java.util.List;

/**
 * One request as its row states it.
 *
 * @param id unique within a job
 * @param prompt what it asks
 * @param params how the answer is drawn
 * @param ignoredFields names of fields that were there and have no effect on the answer
 */
public record Request(String id, Prompt prompt, SamplingParams params, List<String> ignoredFields) {
  public Request {
    ignoredFields = List.copyOf(ignoredFields);
  }
}
