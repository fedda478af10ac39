/** JSON of strangers, read strictly and under limits. */
package dev.weft.kernels.json;
