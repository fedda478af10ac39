/** Looks at the machine and the JVM and says what is there, what is missing and how to get it. */
package dev.weft.jobs.doctor;
