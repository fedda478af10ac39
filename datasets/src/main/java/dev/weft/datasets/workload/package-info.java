/**
 * Workloads for planner benchmarks: synthesized mixes of published statistics, and readers for
 * production traces. Nothing here knows the planner; requests are token ids and lengths.
 */
package dev.weft.datasets.workload;
