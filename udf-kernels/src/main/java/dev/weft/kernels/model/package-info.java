/**
 * Model files: what a model is, checked before use, behind one type: {@link
 * dev.weft.kernels.model.Model}.
 */
package dev.weft.kernels.model;
