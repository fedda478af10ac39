package dev.weft.datasets.demo;

import java.util.List;
import java.util.Random;

/** The closed word lists from which all tasks draw, so that a small model can know every word. */
final class Vocabulary {
  static final List<String> FIRST_NAMES =
      words(
          "Maria Jonas Elena Peter Amina Lukas Sofia David Hanna Marco Julia Samuel Clara Victor"
              + " Nadia Oscar Laura Felix Irene Anton Greta Hugo Leila Martin Paula Simon Tessa"
              + " Walter Yara Boris Celia Daniel Edith Frank Gloria Henry Ines Karim Mona Nils");

  static final List<String> LAST_NAMES =
      words(
          "Keller Novak Larsen Moreno Fischer Haddad Olsen Rossi Weber Costa Lindgren Meyer Petrov"
              + " Silva Tanaka Varga Wagner Young Zimmer Adler Berger Carter Dubois Ericson Foster"
              + " Garcia Hansen Ivanov Jensen Kowalski Lopez Marsh Nielsen Okafor Parker Quinn"
              + " Reyes Santos Turner Walsh");

  static final List<String> CITIES =
      words(
          "Oslo Bergen Vienna Lisbon Madrid Porto Geneva Zurich Munich Hamburg Dresden Prague"
              + " Warsaw Krakow Turin Naples Athens Dublin Leeds Bristol Glasgow Antwerp Ghent"
              + " Utrecht Malmo Tampere Riga Vilnius Sofia Zagreb");

  static final List<String> MATERIALS =
      words("oak steel glass cotton bamboo copper linen walnut marble rubber");

  static final List<String> ARTICLES =
      words(
          "shelf lamp chair table mirror basket kettle blanket clock ladder bench stool cabinet"
              + " tray curtain pillow bucket drawer vase rug");

  private Vocabulary() {}

  static <T> T pick(Random random, List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  /** A whole number between {@code low} and {@code high}, both included. */
  static int between(Random random, int low, int high) {
    return low + random.nextInt(high - low + 1);
  }

  static String fullName(Random random) {
    return pick(random, FIRST_NAMES) + " " + pick(random, LAST_NAMES);
  }

  /** For example {@code walnut chair}. */
  static String product(Random random) {
    return pick(random, MATERIALS) + " " + pick(random, ARTICLES);
  }

  /** Two letters and four digits, for example {@code KX-4821}. */
  static String orderCode(Random random) {
    char first = (char) ('A' + random.nextInt(26));
    char second = (char) ('A' + random.nextInt(26));
    return "" + first + second + "-" + between(random, 1000, 9999);
  }

  /** {@code year-month-day} with leading zeros; days up to 28, so that every month has them. */
  static String isoDate(int year, int month, int day) {
    return year + "-" + twoDigits(month) + "-" + twoDigits(day);
  }

  static String twoDigits(int value) {
    return value < 10 ? "0" + value : Integer.toString(value);
  }

  private static List<String> words(String spaced) {
    return List.of(spaced.split(" "));
  }
}
