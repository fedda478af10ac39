/**
 * Files that are whole or not there, on any Hadoop file system: without a rename, without a look at
 * a clock, and with errors that say what storage lacks.
 */
package dev.weft.jobs.store;
