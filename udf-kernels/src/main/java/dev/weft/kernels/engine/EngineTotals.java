package dev.weft.kernels.engine;

/**
 * Exact sums over all steps of an engine so far.
 *
 * @param steps steps run
 * @param failedSteps steps that failed and were computed again, one sequence after the other
 * @param requests requests that ended, error rows included
 * @param errorRequests those without an answer
 * @param prefillTokens prompt tokens computed, those computed again included
 * @param decodeTokens tokens computed that were generated before
 * @param generatedTokens tokens drawn
 * @param sharedTokens prompt tokens that were not computed because they were there already
 * @param recomputedTokens tokens computed again after preemptions
 * @param computeSideTokens computed tokens of requests of the compute side
 * @param memorySideTokens computed tokens of requests of the memory side
 * @param preemptions sequences that had to give up their pages
 * @param prefixHits KV pages of admitted sequences that were there already
 * @param prefixLookups full KV pages that admitted sequences asked for
 * @param peakKvPages most KV pages in use at once
 * @param busySeconds sum of the steps' times
 * @param predictedSeconds sum of the predicted times; NaN without a cost model
 * @param energyJoules sum over the steps
 * @param energySource where the joules come from
 */
public record EngineTotals(
    long steps,
    long failedSteps,
    long requests,
    long errorRequests,
    long prefillTokens,
    long decodeTokens,
    long generatedTokens,
    long sharedTokens,
    long recomputedTokens,
    long computeSideTokens,
    long memorySideTokens,
    long preemptions,
    long prefixHits,
    long prefixLookups,
    int peakKvPages,
    double busySeconds,
    double predictedSeconds,
    double energyJoules,
    String energySource) {
  /** The same with more requests that cannot run. */
  EngineTotals plusInvalid(long invalid) {
    return new EngineTotals(
        steps,
        failedSteps,
        requests + invalid,
        errorRequests + invalid,
        prefillTokens,
        decodeTokens,
        generatedTokens,
        sharedTokens,
        recomputedTokens,
        computeSideTokens,
        memorySideTokens,
        preemptions,
        prefixHits,
        prefixLookups,
        peakKvPages,
        busySeconds,
        predictedSeconds,
        energyJoules,
        energySource);
  }
}
