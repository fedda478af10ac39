/**
 * Configuration: every key, its default and its documentation stand in {@code reference.conf}; its
 * type and range where {@link dev.weft.jobs.config.WeftConfig} reads it.
 */
package dev.weft.jobs.config;
