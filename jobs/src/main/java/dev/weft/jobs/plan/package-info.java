/** Brings requests to the planner and the plan back to Spark. */
package dev.weft.jobs.plan;
