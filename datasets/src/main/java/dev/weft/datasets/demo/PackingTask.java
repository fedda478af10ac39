package dev.weft.datasets.demo;

import static dev.weft.datasets.demo.Vocabulary.between;
import static dev.weft.datasets.demo.Vocabulary.pick;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** An order note to a lettered packing list: one line for each item, 110 to 265 tokens. */
record PackingTask() implements DemoTask {
  private static final String INSTRUCTIONS =
      """
      You write packing lists for the warehouse. The order note names the order code, the customer, \
      how many items there are, and then each item on a line of its own: a letter and the name. Turn \
      the note into a list with one line for each item, in the order of the note, and leave nothing \
      out.
      Each line reads: the letter of the item, a colon, the item as in the note, the words from aisle, \
      the letter of the aisle, a comma, to be checked for damage and put into box, the letter of the \
      item, a full stop. The aisle depends on the material: oak, walnut and bamboo lie in aisle A; \
      steel and copper in aisle B; glass and marble in aisle C; cotton and linen in aisle D; rubber in \
      aisle E.
      After the last item write one more line that begins with the word done and a colon, and then \
      names the order code and the customer. Do not sort the items, do not merge lines and do not \
      write anything else.\
      """;

  private static final List<String> OPENINGS =
      List.of("Order %o for %n", "Note for order %o, customer %n", "Packing note for %n, order %o");

  @Override
  public String name() {
    return "packing";
  }

  @Override
  public String instructions() {
    return INSTRUCTIONS;
  }

  @Override
  public int maxTokens() {
    return 320;
  }

  @Override
  public int sharePercent() {
    return 15;
  }

  @Override
  public DemoExample draw(Random random) {
    String name = Vocabulary.fullName(random);
    String order = Vocabulary.orderCode(random);
    int items = between(random, 4, 10);
    List<String> articles = new ArrayList<>(Vocabulary.ARTICLES);
    List<String> materials = new ArrayList<>(Vocabulary.MATERIALS);
    Collections.shuffle(articles, random);
    Collections.shuffle(materials, random);

    StringBuilder user = new StringBuilder();
    user.append(pick(random, OPENINGS).replace("%o", order).replace("%n", name));
    user.append(", ").append(items).append(" items:");
    StringBuilder answer = new StringBuilder();
    for (int i = 0; i < items; i++) {
      char letter = (char) ('a' + i);
      String item = materials.get(i) + " " + articles.get(i);
      user.append('\n').append(letter).append(": ").append(item);
      answer.append(letter).append(": ").append(item);
      answer.append(" from aisle ").append(aisle(materials.get(i)));
      answer.append(", to be checked for damage and put into box ").append(letter).append(".\n");
    }
    answer.append("done: ").append(order).append(", ").append(name).append(".");
    return new DemoExample(user.toString(), answer.toString());
  }

  private static char aisle(String material) {
    return switch (material) {
      case "oak", "walnut", "bamboo" -> 'A';
      case "steel", "copper" -> 'B';
      case "glass", "marble" -> 'C';
      case "cotton", "linen" -> 'D';
      case "rubber" -> 'E';
      default -> throw new IllegalArgumentException("no aisle for material " + material);
    };
  }
}
