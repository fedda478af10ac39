package dev.weft.datasets.demo;

import static dev.weft.datasets.demo.Vocabulary.between;
import static dev.weft.datasets.demo.Vocabulary.pick;

import java.util.List;
import java.util.Random;

/** A row of a staff table to a paragraph of whole sentences, about a hundred tokens. */
record RecordTask() implements DemoTask {
  private static final String INSTRUCTIONS =
      """
      You turn rows of the staff table into short paragraphs for printed personnel letters. The \
      user gives one row with its fields between vertical bars, in this order: staff number, name, \
      role, department, city, first day, hours each week, manager, room, telephone.
      Write exactly six sentences on one line. The first gives the number and the name. The second \
      gives role and department. The third gives city and first day. The fourth gives the hours \
      each week and the manager. The fifth gives room and telephone. The last one always asks \
      whether the data are right.
      Repeat every value as it is written in the row, letter by letter and digit by digit. Call the \
      person by the full name in the first sentence and by the first name after that. Leave no field \
      out and add nothing of your own.\
      """;

  private static final List<String> ROLES =
      List.of(
          "buyer",
          "driver",
          "planner",
          "clerk",
          "designer",
          "cashier",
          "carpenter",
          "analyst",
          "trainer",
          "welder",
          "painter",
          "guard");

  private static final List<String> DEPARTMENTS =
      List.of(
          "purchasing",
          "logistics",
          "finance",
          "design",
          "sales",
          "workshop",
          "security",
          "quality");

  @Override
  public String name() {
    return "record";
  }

  @Override
  public String instructions() {
    return INSTRUCTIONS;
  }

  @Override
  public int maxTokens() {
    return 224;
  }

  @Override
  public int sharePercent() {
    return 15;
  }

  @Override
  public DemoExample draw(Random random) {
    String number = Integer.toString(between(random, 10_000, 99_999));
    String first = pick(random, Vocabulary.FIRST_NAMES);
    String last = pick(random, Vocabulary.LAST_NAMES);
    String role = pick(random, ROLES);
    String department = pick(random, DEPARTMENTS);
    String city = pick(random, Vocabulary.CITIES);
    String day =
        Vocabulary.isoDate(
            between(random, 1995, 2025), between(random, 1, 12), between(random, 1, 28));
    int hours = between(random, 8, 40);
    String manager = Vocabulary.fullName(random);
    String room = (char) ('A' + random.nextInt(6)) + Integer.toString(between(random, 100, 499));
    int telephone = between(random, 1000, 9999);

    String user =
        "| "
            + String.join(
                " | ",
                number,
                first + " " + last,
                role,
                department,
                city,
                day,
                Integer.toString(hours),
                manager,
                room,
                Integer.toString(telephone))
            + " |";
    String answer =
        ("Staff number %s is %s %s. %s works as a %s in the %s department. The place of work is %s"
                + " and the first day was %s. %s works %s hours each week and reports to %s. The"
                + " room is %s and the telephone number is %s. Please tell us if any of this is"
                + " wrong, %s.")
            .formatted(
                number,
                first,
                last,
                first,
                role,
                department,
                city,
                day,
                first,
                hours,
                manager,
                room,
                telephone,
                first);
    return new DemoExample(user, answer);
  }
}
