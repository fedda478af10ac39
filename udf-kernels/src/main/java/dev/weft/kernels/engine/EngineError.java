package dev.weft.kernels.engine;

/** Why one request has no answer. Names are stable: they stand in result tables. */
public enum EngineError {
  /** The prompt has no tokens. */
  PROMPT_EMPTY,
  /** The prompt leaves no room for one generated token in the model's context. */
  PROMPT_EXCEEDS_CONTEXT,
  /** A token id of prompt or stop tokens is not in the vocabulary. */
  TOKEN_OUT_OF_RANGE,
  /** A parameter is outside its range. */
  PARAMETER_OUT_OF_RANGE,
  /** The request needs more KV memory than the whole cache has. */
  KV_CACHE_TOO_SMALL,
  /** The model gave a logit that is NaN, or no finite logit at all. */
  ENGINE_NONFINITE_LOGITS,
  /** The engine failed on this request alone. */
  ENGINE_FAILED,
  /** A step ran out of memory with this request alone. */
  ENGINE_OUT_OF_MEMORY
}
