/**
 * BIG-Bench Hard as a batch of requests: every question behind its task's chain-of-thought prompt,
 * a natural workload of long shared prefixes (Suzgun et al., "Challenging BIG-Bench Tasks and
 * Whether Chain-of-Thought Can Solve Them", 2022).
 */
package dev.weft.datasets.bbh;
