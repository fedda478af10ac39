package dev.weft.datasets.format;

/**
 * One message of a conversation.
 *
 * @param role {@code system}, {@code developer}, {@code user} or {@code assistant}
 * @param content its text
 */
public record ChatMessage(String role, String content) {}
