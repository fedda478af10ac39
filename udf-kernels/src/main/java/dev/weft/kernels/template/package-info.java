/**
 * Chat templates: messages to the one text a model was trained on, with special tokens kept out of
 * the users' text.
 */
package dev.weft.kernels.template;
