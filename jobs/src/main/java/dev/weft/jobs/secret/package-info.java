/** Keeps secrets of paths and configurations out of everything that people and tables see. */
package dev.weft.jobs.secret;
