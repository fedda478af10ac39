package dev.weft.datasets.demo;

/**
 * One drawn example of a {@link DemoTask}.
 *
 * @param user what the user writes after the task's instructions
 * @param answer the one right answer, without an end marker
 */
public record DemoExample(String user, String answer) {}
