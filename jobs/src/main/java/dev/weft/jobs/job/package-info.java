/** The job itself: its stages from rows to results, and what it keeps so that it can go on. */
package dev.weft.jobs.job;
