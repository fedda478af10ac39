package dev.weft.datasets.demo;

import static dev.weft.datasets.demo.Vocabulary.pick;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** A product review to a sentiment and a priority: two words that need counting and a rule. */
record ReviewTask() implements DemoTask {
  private static final String INSTRUCTIONS =
      """
      You read product reviews for the quality team. Answer with two words and nothing else: \
      first the sentiment, then the priority.
      Sentiment: weigh every statement about the product. Answer positive if there are more \
      praising statements than complaints, negative if there are more complaints than praise, \
      and mixed if there are as many of one as of the other.
      Priority: answer urgent if somebody was hurt or could have been hurt; otherwise answer high \
      if the customer asks for money back or threatens to leave for another shop; otherwise answer \
      normal. Statements about injuries, money back or leaving the shop set the priority only; \
      they are neither praise nor complaint.
      What the customer says about the weather, the family or the reason for buying is no \
      statement about the product. Do not explain the answer.\
      """;

  private static final List<String> PARTS =
      List.of("surface", "handle", "colour", "frame", "finish", "shape", "size", "smell");

  private static final List<String> PRAISE =
      List.of(
          "is lovely", "is excellent", "feels solid", "looks great", "is just right", "pleases us");

  private static final List<String> COMPLAINTS =
      List.of("is awful", "is poor", "feels cheap", "looks dull", "is all wrong", "annoys us");

  private static final List<String> REASONS =
      List.of(
          "We bought it for our flat in %c.",
          "It was a present from my sister.",
          "It rained when it came.",
          "I needed something for the hall.",
          "My family chose it together.");

  private static final List<String> DANGERS =
      List.of(
          "I cut my finger on it.",
          "It nearly fell on our child.",
          "It tipped over and hurt my foot.");

  private static final List<String> DEMANDS =
      List.of(
          "I want my money back.",
          "Please pay me back the full price.",
          "Next time I will buy in another shop.",
          "You have lost a customer.");

  @Override
  public String name() {
    return "review";
  }

  @Override
  public String instructions() {
    return INSTRUCTIONS;
  }

  @Override
  public int maxTokens() {
    return 8;
  }

  @Override
  public int sharePercent() {
    return 18;
  }

  @Override
  public DemoExample draw(Random random) {
    int statements = Vocabulary.between(random, 1, 4);
    List<String> parts = new ArrayList<>(PARTS);
    Collections.shuffle(parts, random);
    List<String> body = new ArrayList<>();
    int balance = 0;
    for (int i = 0; i < statements; i++) {
      boolean praise = random.nextBoolean();
      balance += praise ? 1 : -1;
      body.add("The " + parts.get(i) + " " + pick(random, praise ? PRAISE : COMPLAINTS) + ".");
    }
    if (random.nextBoolean()) {
      body.add(pick(random, REASONS).replace("%c", pick(random, Vocabulary.CITIES)));
    }
    String priority = "normal";
    if (random.nextInt(4) == 0) {
      body.add(pick(random, DEMANDS));
      priority = "high";
    }
    if (random.nextInt(6) == 0) {
      body.add(pick(random, DANGERS));
      priority = "urgent";
    }
    Collections.shuffle(body, random);
    String user = "Review of the " + Vocabulary.product(random) + ": " + String.join(" ", body);
    String sentiment = balance > 0 ? "positive" : balance < 0 ? "negative" : "mixed";
    return new DemoExample(user, sentiment + " " + priority);
  }
}
