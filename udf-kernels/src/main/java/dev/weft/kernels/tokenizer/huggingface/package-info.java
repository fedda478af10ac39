/**
 * Tokenizers of Hugging Face folders: {@code tokenizer.json} or SentencePiece's {@code
 * tokenizer.model}, {@code tokenizer_config.json} and chat template, mapped to the metadata that
 * the schemes read.
 */
package dev.weft.kernels.tokenizer.huggingface;
