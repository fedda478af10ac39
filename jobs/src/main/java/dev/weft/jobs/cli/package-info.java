/** The command line: what a person types, what it prints and how it exits. */
package dev.weft.jobs.cli;
