package dev.weft.kernels.backend;

/** Whether a CUDA device replays programs as CUDA graphs; it changes no bit of an answer. */
public enum CudaGraphs {
  /** Where the device is driven by CUDA. */
  AUTO,
  /** Refused where it is not. */
  TRUE,
  FALSE
}
