/** Text to token ids and back, from the metadata of a model file. */
package dev.weft.kernels.tokenizer;
