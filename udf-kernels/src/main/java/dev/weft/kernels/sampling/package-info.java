/** How the next token is chosen from the logits: parameters, penalties, filters, random streams. */
package dev.weft.kernels.sampling;
