/**
 * Makes token ids of requests: chat template, tokenizer, context limit, and the key by which
 * identical requests meet.
 */
package dev.weft.jobs.prepare;
