package dev.weft.batching.schedule;

/**
 * Totals since the scheduler was made.
 *
 * @param steps non-empty steps
 * @param prefillTokens prompt tokens computed for the first time
 * @param recomputedTokens tokens computed again after preemption
 * @param decodeTokens generated tokens whose K and V were computed
 * @param sharedTokens prompt tokens found in the prefix cache at first admission
 * @param admitted sequences admitted for the first time
 * @param finished sequences ended by {@code finish}
 * @param aborted sequences ended by {@code abort} or {@code cancel}
 * @param rejected sequences that could never fit
 * @param preemptions times a sequence gave up its pages
 * @param sideMoves sequences that changed from the compute to the memory side while running
 * @param pageLookups pages asked for in the prefix cache
 * @param pageHits pages found there
 * @param evictions cached pages dropped to make room
 * @param peakSequences most sequences running at the same time
 * @param peakKvPages most pages in use at the same time
 */
public record SchedulerStatistics(
    long steps,
    long prefillTokens,
    long recomputedTokens,
    long decodeTokens,
    long sharedTokens,
    long admitted,
    long finished,
    long aborted,
    long rejected,
    long preemptions,
    long sideMoves,
    long pageLookups,
    long pageHits,
    long evictions,
    int peakSequences,
    int peakKvPages) {}
