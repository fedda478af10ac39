package dev.weft.kernels.engine;

import java.util.List;

/** A request in a test, with defaults: greedy, 16 tokens. */
record TestRequest(
    long row,
    String id,
    int[] tokens,
    int side,
    int estimated,
    int maxTokens,
    float temperature,
    float topP,
    int topK,
    float minP,
    float repetition,
    float frequency,
    float presence,
    Long seed,
    int n,
    List<String> stop,
    List<Integer> stopTokens,
    Integer logprobs,
    boolean ignoreEos) {

  static TestRequest greedy(long row, int... tokens) {
    return new TestRequest(
        row,
        "request-" + row,
        tokens,
        0,
        8,
        16,
        0,
        1,
        0,
        0,
        1,
        0,
        0,
        null,
        1,
        List.of(),
        List.of(),
        null,
        false);
  }

  TestRequest maxTokens(int max) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        max,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        n,
        stop,
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest estimated(int tokensOfAnswer) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        tokensOfAnswer,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        n,
        stop,
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest side(int value) {
    return new TestRequest(
        row,
        id,
        tokens,
        value,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        n,
        stop,
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest sampled(float heat, float nucleus, int best, float least) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        heat,
        nucleus,
        best,
        least,
        repetition,
        frequency,
        presence,
        seed,
        n,
        stop,
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest penalized(float again, float often, float once) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        again,
        often,
        once,
        seed,
        n,
        stop,
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest seed(long value) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        value,
        n,
        stop,
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest samples(int count) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        count,
        stop,
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest stop(String... texts) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        n,
        List.of(texts),
        stopTokens,
        logprobs,
        ignoreEos);
  }

  TestRequest stopTokens(Integer... ids) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        n,
        stop,
        List.of(ids),
        logprobs,
        ignoreEos);
  }

  TestRequest logprobs(int alternatives) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        n,
        stop,
        stopTokens,
        alternatives,
        ignoreEos);
  }

  TestRequest ignoreEos(boolean value) {
    return new TestRequest(
        row,
        id,
        tokens,
        side,
        estimated,
        maxTokens,
        temperature,
        topP,
        topK,
        minP,
        repetition,
        frequency,
        presence,
        seed,
        n,
        stop,
        stopTokens,
        logprobs,
        value);
  }
}
