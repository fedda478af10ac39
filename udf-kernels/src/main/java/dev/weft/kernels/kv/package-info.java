/**
 * Memory of keys and values: page geometry, ragged sequences of a step, off-heap pages under a
 * budget.
 */
package dev.weft.kernels.kv;
