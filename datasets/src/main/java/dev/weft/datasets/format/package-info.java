/**
 * Requests that come in and results that go out: their records, the OpenAI Batch JSONL form and the
 * names of table columns. Knows nothing of Spark, models or tokens.
 */
package dev.weft.datasets.format;
