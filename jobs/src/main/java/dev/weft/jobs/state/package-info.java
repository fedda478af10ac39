/**
 * What a run keeps on storage to go on: its folder, what it computes, who works on it, and how far
 * it is.
 */
package dev.weft.jobs.state;
