package dev.weft.datasets.demo;

import static dev.weft.datasets.demo.Vocabulary.pick;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** A customer's message to compact JSON with five fields. */
record ExtractTask() implements DemoTask {
  private static final String INSTRUCTIONS =
      """
      You take the facts out of customer messages and write them as one JSON object for the order \
      system. Write compact JSON on a single line: no spaces outside of strings, no line breaks, no \
      text before or after it. Always give these five fields in this order:
      "name": first and last name of the customer, as written.
      "city": the city to which the goods go. A city that is named for another reason does not \
      count.
      "order": the order code, two letters, a hyphen and four digits.
      "product": the product in the singular, as written, without an article.
      "quantity": how many pieces, as a number without quotes.
      If the message does not give the city or the order code, write null without quotes for that \
      field. Never guess, never translate, never correct the spelling of a name.\
      """;

  private static final List<String> INTRODUCTIONS =
      List.of("This is %n.", "My name is %n.", "%n here.", "Hello, I am %n.");

  private static final List<String> WISHES =
      List.of(
          "I ordered the %p, %q pieces.",
          "Please send %q pieces of the %p.",
          "We need the %p, quantity %q.",
          "The product is the %p and the quantity is %q.");

  private static final List<String> DESTINATIONS =
      List.of("Deliver to %c please.", "The goods go to %c.", "Our address is in %c.");

  private static final List<String> CODES =
      List.of("The order code is %o.", "It is about order %o.", "You sent me the code %o.");

  private static final List<String> ASIDES =
      List.of(
          "I was born in %c.",
          "I saw it in your shop in %c.",
          "Thank you for the quick answer.",
          "Please call me before you come.",
          "It is a present for a friend from %c.");

  @Override
  public String name() {
    return "extract";
  }

  @Override
  public String instructions() {
    return INSTRUCTIONS;
  }

  @Override
  public int maxTokens() {
    return 80;
  }

  @Override
  public int sharePercent() {
    return 15;
  }

  @Override
  public DemoExample draw(Random random) {
    String name = Vocabulary.fullName(random);
    String product = Vocabulary.product(random);
    int quantity = Vocabulary.between(random, 2, 60);
    String city = random.nextInt(5) == 0 ? null : pick(random, Vocabulary.CITIES);
    String order = random.nextInt(5) == 0 ? null : Vocabulary.orderCode(random);

    List<String> body = new ArrayList<>();
    body.add(pick(random, WISHES).replace("%p", product).replace("%q", Integer.toString(quantity)));
    if (city != null) {
      body.add(pick(random, DESTINATIONS).replace("%c", city));
    }
    if (order != null) {
      body.add(pick(random, CODES).replace("%o", order));
    }
    if (random.nextBoolean()) {
      body.add(pick(random, ASIDES).replace("%c", pick(random, Vocabulary.CITIES)));
    }
    Collections.shuffle(body, random);
    String user = pick(random, INTRODUCTIONS).replace("%n", name) + " " + String.join(" ", body);
    String answer =
        "{\"name\":"
            + quoted(name)
            + ",\"city\":"
            + quoted(city)
            + ",\"order\":"
            + quoted(order)
            + ",\"product\":"
            + quoted(product)
            + ",\"quantity\":"
            + quantity
            + "}";
    return new DemoExample(user, answer);
  }

  private static String quoted(String value) {
    return value == null ? "null" : '"' + value + '"';
  }
}
