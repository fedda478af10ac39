package dev.weft.jobs.plan;

import dev.weft.jobs.run.PlanSummary.Densities;
import dev.weft.jobs.run.PlanSummary.PlanLevel;
import dev.weft.jobs.run.PlanSummary.PlannedGroup;
import dev.weft.jobs.run.PlanSummary.Sharing;
import java.util.ArrayList;
import java.util.List;

/**
 * What a plan says about a table, whichever level it was made on.
 *
 * @param policy name of the policy
 * @param notes reasons and remarks of the planner
 * @param requests requests that are planned
 * @param promptTokens prompt tokens of all requests
 * @param reusableTokens prompt tokens that whole pages save with an unlimited cache
 * @param expectedOutputTokens tokens to generate
 * @param treeNodes nodes of the prefix tree, or of all trees
 * @param partitions partitions of the inference stage
 * @param level where the plan was made
 * @param sharing where tokens are shared
 * @param densities compute over memory seconds
 * @param predictions predicted runs of the policies
 * @param preview the first groups of the order; their ids are empty
 * @param previewKeys row key of the first request of each group
 */
public record PlanOutline(
    String policy,
    List<String> notes,
    long requests,
    long promptTokens,
    long reusableTokens,
    long expectedOutputTokens,
    long treeNodes,
    int partitions,
    PlanLevel level,
    Sharing sharing,
    Densities densities,
    Predictions predictions,
    List<PlannedGroup> preview,
    List<Long> previewKeys) {

  /** The same with one more reason, before the others. */
  public PlanOutline withNote(String note) {
    List<String> more = new ArrayList<>(notes);
    more.addFirst(note);
    return new PlanOutline(
        policy,
        more,
        requests,
        promptTokens,
        reusableTokens,
        expectedOutputTokens,
        treeNodes,
        partitions,
        level,
        sharing,
        densities,
        predictions,
        preview,
        previewKeys);
  }
}
