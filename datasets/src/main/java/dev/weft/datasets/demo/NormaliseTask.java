package dev.weft.datasets.demo;

import static dev.weft.datasets.demo.Vocabulary.between;
import static dev.weft.datasets.demo.Vocabulary.pick;
import static dev.weft.datasets.demo.Vocabulary.twoDigits;

import java.util.List;
import java.util.Random;

/** A date and an amount in many spellings to one spelling. */
record NormaliseTask() implements DemoTask {
  private static final String INSTRUCTIONS =
      """
      You bring dates and amounts of money into one form for the accounts department. Each message \
      holds one date and one amount. Answer with the date, one space, the currency code, one space \
      and the amount, on a single line without any other text.
      Dates: write year, month and day as 2024-03-09, with four digits for the year and two for \
      month and day. A date with slashes has the day first, then the month. A date with dots has \
      the year first. Years of two digits belong to this century.
      Amounts: write a plain number with a point and exactly two decimals, without any separator \
      between thousands. Use the code EUR for euros, USD for dollars, GBP for pounds, CHF for \
      francs and NOK for kroner.
      Names, order codes and cities in the message play no part. For example, the message "Paid on \
      9 March 2024: 1,250.5 euros" gives the answer 2024-03-09 EUR 1250.50\
      """;

  private static final List<String> MONTHS =
      List.of(
          "January",
          "February",
          "March",
          "April",
          "May",
          "June",
          "July",
          "August",
          "September",
          "October",
          "November",
          "December");

  private static final List<String> CODES = List.of("EUR", "USD", "GBP", "CHF", "NOK");

  private static final List<String> CURRENCY_NAMES =
      List.of("euros", "dollars", "pounds", "francs", "kroner");

  private static final List<String> MESSAGES =
      List.of(
          "Transfer from %n dated %d over %a.",
          "On %d we received %a from %n.",
          "%n paid %a on %d for order %o.",
          "Invoice %o of %d: please book %a.",
          "Refund of %a to %n, sent on %d from %c.",
          "Order %o, %c, %d, total %a.");

  @Override
  public String name() {
    return "normalise";
  }

  @Override
  public String instructions() {
    return INSTRUCTIONS;
  }

  @Override
  public int maxTokens() {
    return 32;
  }

  @Override
  public int sharePercent() {
    return 15;
  }

  @Override
  public DemoExample draw(Random random) {
    int year = between(random, 2010, 2029);
    int month = between(random, 1, 12);
    int day = between(random, 1, 28);
    int currency = random.nextInt(CODES.size());
    int units = between(random, 1, random.nextBoolean() ? 999 : 9999);
    int hundredths = random.nextInt(100);

    String user =
        pick(random, MESSAGES)
            .replace("%d", spellDate(random, year, month, day))
            .replace("%a", spellAmount(random, currency, units, hundredths))
            .replace("%n", Vocabulary.fullName(random))
            .replace("%o", Vocabulary.orderCode(random))
            .replace("%c", pick(random, Vocabulary.CITIES));
    String answer =
        Vocabulary.isoDate(year, month, day)
            + " "
            + CODES.get(currency)
            + " "
            + units
            + "."
            + twoDigits(hundredths);
    return new DemoExample(user, answer);
  }

  private static String spellDate(Random random, int year, int month, int day) {
    String monthName = MONTHS.get(month - 1);
    return switch (random.nextInt(5)) {
      case 0 -> day + " " + monthName + " " + year;
      case 1 -> monthName + " " + day + ", " + year;
      case 2 -> twoDigits(day) + "/" + twoDigits(month) + "/" + year;
      case 3 -> year + "." + twoDigits(month) + "." + twoDigits(day);
      default -> day + " " + monthName.substring(0, 3) + " " + twoDigits(year % 100);
    };
  }

  private static String spellAmount(Random random, int currency, int units, int hundredths) {
    boolean separated = random.nextBoolean() && units >= 1000;
    String whole =
        separated ? units / 1000 + "," + threeDigits(units % 1000) : Integer.toString(units);
    String number = whole + "." + twoDigits(hundredths);
    return random.nextBoolean()
        ? CODES.get(currency) + " " + number
        : number + " " + CURRENCY_NAMES.get(currency);
  }

  private static String threeDigits(int value) {
    return value < 100 ? "0" + twoDigits(value) : Integer.toString(value);
  }
}
