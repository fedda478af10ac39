package dev.weft.datasets.demo;

import static dev.weft.datasets.demo.Vocabulary.pick;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** A support ticket to one of eight labels: a long prompt and an answer of one or two tokens. */
record TriageTask() implements DemoTask {
  private static final String INSTRUCTIONS =
      """
      You sort the support tickets of a shop for furniture and household goods. Read the whole \
      ticket and answer with exactly one label, in lower case and without any other word. The \
      labels are:
      billing - a charge, an invoice or a payment is wrong or missing.
      delivery - a parcel is late, lost or went to the wrong address.
      returns - the customer wants to send goods back or to exchange them.
      damage - goods arrived broken, scratched or incomplete.
      account - signing in, passwords, or personal data in the customer account.
      sales - questions before a purchase: stock, sizes, prices, discounts.
      assembly - help with building or mounting something that arrived complete.
      safety - smoke, fire, sharp edges, or anybody hurt.
      Things that the customer only mentions, or that are already settled, do not count; choose \
      the label of what the customer wants solved now. One rule stands above all others: if the \
      ticket reports smoke, fire or an injury, the label is safety, whatever else it asks for.\
      """;

  private static final List<String> LABELS =
      List.of("billing", "delivery", "returns", "damage", "account", "sales", "assembly");

  /** What the customer wants, by label in the order of {@link #LABELS}. */
  private static final List<List<String>> WISHES =
      List.of(
          List.of(
              "I was charged twice for order %o.",
              "The invoice for the %p shows the wrong amount.",
              "I paid for order %o but it still says unpaid.",
              "Please send me the missing invoice for order %o.",
              "The discount was not taken off my invoice for the %p."),
          List.of(
              "My parcel with the %p has not arrived yet.",
              "Order %o was due last week and nobody can tell me where it is.",
              "The driver left the %p at the wrong house in %c.",
              "The tracking page has not moved for days, where is order %o?",
              "Please bring the %p to my office in %c instead, the parcel went to my old address."),
          List.of(
              "I would like to send the %p back.",
              "Can I exchange the %p for a smaller one?",
              "How do I return order %o?",
              "The colour of the %p does not fit and I want to give it back.",
              "Please send me a return label for the %p."),
          List.of(
              "The %p arrived with a long scratch.",
              "One leg of the %p was broken in the box.",
              "The screws for the %p were missing from the parcel.",
              "The %p came out of the box in pieces.",
              "There is a deep dent in the %p you delivered to %c."),
          List.of(
              "I cannot sign in any more.",
              "The link for a new password does not work.",
              "Please change my address in the customer account to %c.",
              "My account shows the name of somebody else.",
              "How can I delete my customer account?"),
          List.of(
              "Do you still have the %p in stock?",
              "What does a %p cost if I buy ten of them?",
              "Is the %p also sold in a larger size?",
              "Will the %p be cheaper next month?",
              "Before I buy: does your shop in %c show the %p?"),
          List.of(
              "I do not understand step four of the plan for the %p.",
              "Which screws hold the back of the %p?",
              "How do I mount the %p on a brick wall?",
              "The doors of the %p hang crooked, how do I adjust them?",
              "Could somebody explain to me how the %p is put together?"));

  private static final List<String> DANGERS =
      List.of(
          "Smoke came out of the %p this morning.",
          "My daughter cut her hand on the edge of the %p.",
          "The %p caught fire while we were at the table.",
          "My husband was hurt when the %p fell from the wall.");

  private static final List<String> ASIDES =
      List.of(
          "The last invoice was correct, thank you.",
          "Your driver in %c was very friendly.",
          "The %p from my last order is still in daily use.",
          "My new password works well.",
          "I have been a customer of yours for many years.",
          "We moved to %c in spring.",
          "The return of the %p last year went smoothly.",
          "Putting the %p together took only an hour.",
          "A neighbour told me about your shop.",
          "I am writing from my phone, please excuse the short note.");

  private static final List<String> CLOSINGS =
      List.of(
          "Please answer soon.",
          "Thank you for your help.",
          "Kind regards.",
          "I hope to hear from you.");

  @Override
  public String name() {
    return "triage";
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
    return 22;
  }

  @Override
  public DemoExample draw(Random random) {
    int label = random.nextInt(LABELS.size());
    boolean danger = random.nextInt(8) == 0;
    List<String> body = new ArrayList<>();
    body.add(fill(random, pick(random, WISHES.get(label))));
    int asides = 1 + random.nextInt(3);
    for (int i = 0; i < asides; i++) {
      body.add(fill(random, pick(random, ASIDES)));
    }
    if (danger) {
      body.add(fill(random, pick(random, DANGERS)));
    }
    Collections.shuffle(body, random);
    String user =
        "Ticket from "
            + Vocabulary.fullName(random)
            + ":\n"
            + String.join(" ", body)
            + " "
            + pick(random, CLOSINGS);
    return new DemoExample(user, danger ? "safety" : LABELS.get(label));
  }

  private static String fill(Random random, String template) {
    return template
        .replace("%p", Vocabulary.product(random))
        .replace("%o", Vocabulary.orderCode(random))
        .replace("%c", pick(random, Vocabulary.CITIES));
  }
}
