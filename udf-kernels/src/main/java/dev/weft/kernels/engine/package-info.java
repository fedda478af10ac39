/**
 * The engine: takes Arrow record batches of requests, runs them together on one device, and returns
 * record batches of results and step metrics as they finish.
 */
package dev.weft.kernels.engine;
