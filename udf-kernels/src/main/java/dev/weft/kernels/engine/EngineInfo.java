package dev.weft.kernels.engine;

import java.util.List;

/**
 * What an engine runs.
 *
 * @param modelName name in the model file
 * @param architecture the model's architecture, e.g. {@code llama}
 * @param vocabularySize number of token ids
 * @param contextTokens longest sequence of prompt and answer
 * @param backend the kernel backend in use
 * @param threads threads of the kernels
 * @param pageTokens tokens of one KV page
 * @param kvPages pages of the pool
 * @param kvBytes bytes of the pool
 * @param weightBytes bytes of the weights in memory
 * @param loadSeconds time to open the model and make it ready, with the next
 * @param warmUpSeconds time to have kernels compiled and their speed checked; 0 if another engine
 *     of the process did, or the backend has nothing to compile to vectors
 * @param compilesAtFirstUse whether the first step of a kind takes seconds longer than the next
 * @param warnings what runs slower or less exactly than it should, and how to mend it
 */
public record EngineInfo(
    String modelName,
    String architecture,
    int vocabularySize,
    int contextTokens,
    String backend,
    int threads,
    int pageTokens,
    int kvPages,
    long kvBytes,
    long weightBytes,
    double loadSeconds,
    double warmUpSeconds,
    boolean compilesAtFirstUse,
    List<String> warnings) {}
