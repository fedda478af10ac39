/**
 * What a run has finished: small durable files that are only ever added, each named with a checksum
 * of its content. Whoever reads them ignores what is torn and counts what is there twice once.
 */
package dev.weft.jobs.ledger;
