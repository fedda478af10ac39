/**
 * Safetensors files: one, or many through an index, memory-mapped and hostile until checked.
 * Source: the format description and {@code safetensors/src/tensor.rs} of Hugging Face.
 */
package dev.weft.kernels.model.safetensors;
