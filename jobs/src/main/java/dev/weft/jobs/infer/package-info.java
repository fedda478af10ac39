/**
 * Runs planned requests: one engine for each executor JVM, fed by its tasks in planned order,
 * emptied into the ledger.
 */
package dev.weft.jobs.infer;
