/**
 * GGUF files, versions 2 and 3, little-endian: read with every size, count and offset checked, and
 * written. Source: {@code docs/gguf.md} of ggml.
 */
package dev.weft.kernels.model.gguf;
