/**
 * What a person sees of a run: text for the terminal and one self-contained HTML page with charts.
 * Only renders {@link dev.weft.jobs.run.RunSummary} and {@link dev.weft.jobs.run.PlanSummary};
 * reads and writes nothing.
 */
package dev.weft.jobs.report;
