/**
 * The GPU backend beside the limits of its device, through the interfaces that engines use; nothing
 * here knows how the device is driven.
 */
package dev.weft.benchmarks.gpu;
