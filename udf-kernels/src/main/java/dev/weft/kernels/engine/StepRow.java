package dev.weft.kernels.engine;

/** One row of {@link StepSchema}; {@code predictedSeconds} is NaN without a prediction. */
record StepRow(
    long step,
    long startedAtMicros,
    double seconds,
    double predictedSeconds,
    int prefillTokens,
    int decodeTokens,
    int logitTokens,
    long prefillPairs,
    long kvTokensRead,
    int computeSideTokens,
    int memorySideTokens,
    int sharedTokens,
    int recomputedTokens,
    int runningSequences,
    int waitingSequences,
    int kvPagesUsed,
    int kvPagesTotal,
    int preemptions,
    int prefixHits,
    int prefixLookups,
    double energyJoules,
    String energySource) {}
