/** What a person sees while a job runs: one live line on a terminal, plain lines elsewhere. */
package dev.weft.jobs.progress;
