/** The catalogue of errors. */
package dev.weft.jobs.error;
