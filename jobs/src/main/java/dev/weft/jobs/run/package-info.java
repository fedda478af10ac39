/** What a run tells: its stages, its progress, its plan and its summary. */
package dev.weft.jobs.run;
