/**
 * The demo workload: requests of six task kinds, each with its own long shared instructions and one
 * right answer, drawn from a seed. The demo model is trained on one side of a split by content and
 * the shipped requests come from another.
 */
package dev.weft.datasets.demo;
