package dev.weft.kernels.template;

import dev.weft.kernels.template.Value.Function;
import dev.weft.kernels.template.Value.Int;
import dev.weft.kernels.template.Value.Seq;
import dev.weft.kernels.template.Value.SeqKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** The methods of strings. */
final class TextMethods {
  private TextMethods() {}

  /** The method of this name bound to the text, or null. */
  static Function find(Text text, String name) {
    Function.Body body =
        switch (name) {
          case "strip" -> (r, a) -> strip(r, text, a, name, true, true);
          case "lstrip" -> (r, a) -> strip(r, text, a, name, true, false);
          case "rstrip" -> (r, a) -> strip(r, text, a, name, false, true);
          case "split", "rsplit" -> (r, a) -> split(r, text, a, name);
          case "splitlines" -> (r, _) -> r.list(splitLines(r, text));
          case "partition" -> (r, a) -> partition(r, text, a, name, false);
          case "rpartition" -> (r, a) -> partition(r, text, a, name, true);
          case "startswith", "endswith" -> (r, a) -> Value.of(affixed(r, text, a, name));
          case "removeprefix", "removesuffix" -> (r, a) -> removeAffix(r, text, a, name);
          case "replace" ->
              (r, a) -> {
                Value[] v = a.bindRequired(r, 2, name, "old", "new", "count");
                return replace(r, text, v[0], v[1], v[2]);
              };
          case "join" -> (r, a) -> join(r, text, a.bindRequired(r, 1, name, "iterable")[0]);
          case "upper" -> (r, _) -> map(r, text, s -> s.toUpperCase(Locale.ROOT));
          case "lower" -> (r, _) -> map(r, text, s -> s.toLowerCase(Locale.ROOT));
          case "capitalize" -> (r, _) -> capitalize(r, text);
          case "title" -> (r, _) -> title(r, text);
          case "find", "rfind", "index" -> (r, a) -> find(r, text, a, name);
          case "count" -> (r, a) -> new Int(count(r, text, needle(r, a, name)));
          case "isdigit", "isnumeric", "isdecimal" -> (r, _) -> all(r, text, Character::isDigit);
          case "isalpha" -> (r, _) -> all(r, text, Character::isLetter);
          case "isalnum" -> (r, _) -> all(r, text, Character::isLetterOrDigit);
          case "isspace" -> (r, _) -> all(r, text, Text::isSpace);
          case "isupper" -> (r, _) -> isCase(r, text, true);
          case "islower" -> (r, _) -> isCase(r, text, false);
          default -> null;
        };
    return body == null ? null : new Function(name, body);
  }

  private static Text strip(
      Run run, Text text, Arguments arguments, String name, boolean left, boolean right) {
    Text characters = Methods.text(run, arguments.bind(run, name, "chars")[0], name);
    run.chargeChars((long) text.units() + (characters == null ? 0 : characters.units()));
    return text.strip(characters == null ? null : characters.chars(), left, right);
  }

  private static Seq split(Run run, Text text, Arguments arguments, String name) {
    Value[] a = arguments.bind(run, name, "sep", "maxsplit");
    Text separator = Methods.text(run, a[0], name);
    long limit = a[1] == null ? -1 : Builtins.integer(run, a[1], "maxsplit");
    limit = limit < 0 ? Long.MAX_VALUE : limit;
    if (separator != null && separator.isEmpty()) {
      throw run.error("split() needs a separator that is not empty");
    }
    boolean fromRight = name.equals("rsplit");
    List<Value> parts =
        separator == null
            ? splitAtSpace(run, text, limit, fromRight)
            : fromRight
                ? splitFromRight(run, text, separator, limit)
                : splitFromLeft(run, text, separator, limit);
    return run.list(parts);
  }

  private static List<Value> splitFromLeft(Run run, Text text, Text separator, long limit) {
    List<Value> parts = new ArrayList<>();
    int from = 0;
    while (parts.size() < limit) {
      int at = Operators.indexOf(run, text, separator, from);
      if (at < 0) {
        break;
      }
      addSlice(run, parts, text, from, at);
      from = at + separator.units();
    }
    addSlice(run, parts, text, from, text.units());
    return parts;
  }

  private static List<Value> splitFromRight(Run run, Text text, Text separator, long limit) {
    List<Value> parts = new ArrayList<>();
    int to = text.units();
    while (parts.size() < limit) {
      int at = Operators.lastIndexOf(run, text, separator, to);
      if (at < 0) {
        break;
      }
      addSlice(run, parts, text, at + separator.units(), to);
      to = at;
    }
    addSlice(run, parts, text, 0, to);
    return parts.reversed();
  }

  private static List<Value> splitAtSpace(Run run, Text text, long limit, boolean fromRight) {
    run.chargeChars(text.units());
    // Words first; a limit joins the words beyond it back into one piece.
    List<int[]> words = new ArrayList<>();
    String chars = text.chars();
    int i = 0;
    while (i < chars.length()) {
      if (Text.isSpace(chars.charAt(i))) {
        i++;
        continue;
      }
      int start = i;
      while (i < chars.length() && !Text.isSpace(chars.charAt(i))) {
        i++;
      }
      run.chargeElements(1);
      words.add(new int[] {start, i});
    }
    List<Value> parts = new ArrayList<>();
    int n = words.size();
    if (n == 0) {
      return parts;
    }
    if (n <= limit) {
      words.forEach(word -> addSlice(run, parts, text, word[0], word[1]));
    } else if (fromRight) {
      int joined = n - (int) limit;
      parts.add(text.slice(0, words.get(joined - 1)[1]));
      words.subList(joined, n).forEach(word -> addSlice(run, parts, text, word[0], word[1]));
    } else {
      words.subList(0, (int) limit).forEach(w -> addSlice(run, parts, text, w[0], w[1]));
      addSlice(run, parts, text, words.get((int) limit)[0], text.units());
    }
    return parts;
  }

  private static void addSlice(Run run, List<Value> parts, Text text, int from, int to) {
    run.chargeElements(1);
    run.chargeChars((long) to - from);
    parts.add(text.slice(from, to));
  }

  static List<Value> splitLines(Run run, Text text) {
    List<Value> lines = new ArrayList<>();
    String chars = text.chars();
    int from = 0;
    for (int i = 0; i < chars.length(); i++) {
      if (Text.isLineBreak(chars.charAt(i))) {
        addSlice(run, lines, text, from, i);
        if (chars.startsWith("\r\n", i)) {
          i++;
        }
        from = i + 1;
      }
    }
    if (from < chars.length()) {
      addSlice(run, lines, text, from, chars.length());
    }
    return lines;
  }

  private static Text needle(Run run, Arguments arguments, String name) {
    Text needle = Methods.text(run, arguments.bindRequired(run, 1, name, "sub")[0], name);
    if (needle == null) {
      throw run.error(name + "() needs a str");
    }
    return needle;
  }

  private static Seq partition(Run run, Text text, Arguments arguments, String name, boolean last) {
    Text separator = needle(run, arguments, name);
    if (separator.isEmpty()) {
      throw run.error(name + "() needs a separator that is not empty");
    }
    int at =
        last
            ? Operators.lastIndexOf(run, text, separator, text.units())
            : Operators.indexOf(run, text, separator, 0);
    List<Value> parts;
    if (at < 0) {
      parts = last ? List.of(Text.EMPTY, Text.EMPTY, text) : List.of(text, Text.EMPTY, Text.EMPTY);
    } else {
      int end = at + separator.units();
      parts = List.of(text.slice(0, at), text.slice(at, end), text.slice(end, text.units()));
    }
    return run.seq(parts, SeqKind.TUPLE);
  }

  private static boolean affixed(Run run, Text text, Arguments arguments, String name) {
    Value affix = arguments.bindRequired(run, 1, name, "affix")[0];
    List<Value> affixes = affix instanceof Seq seq ? seq.items() : List.of(affix);
    run.charge(affixes.size());
    for (Value one : affixes) {
      if (!(one instanceof Text t)) {
        throw run.error(name + "() needs a str, not " + one.typeName());
      }
      run.chargeChars(t.units());
      if (name.equals("startswith")
          ? text.chars().startsWith(t.chars())
          : text.chars().endsWith(t.chars())) {
        return true;
      }
    }
    return false;
  }

  private static Text removeAffix(Run run, Text text, Arguments arguments, String name) {
    Text affix = needle(run, arguments, name);
    run.chargeChars(text.units());
    if (name.equals("removeprefix")) {
      return text.chars().startsWith(affix.chars())
          ? text.slice(affix.units(), text.units())
          : text;
    }
    return !affix.isEmpty() && text.chars().endsWith(affix.chars())
        ? text.slice(0, text.units() - affix.units())
        : text;
  }

  static Text replace(Run run, Text text, Value oldValue, Value newValue, Value countValue) {
    Text old = Printer.str(run, oldValue);
    Text replacement = Printer.str(run, newValue);
    long count =
        countValue == null || countValue instanceof Value.None
            ? -1
            : Builtins.integer(run, countValue, "count");
    count = count < 0 ? Long.MAX_VALUE : count;
    TextBuilder out = new TextBuilder(run);
    int from = 0;
    while (count-- > 0) {
      run.charge(1);
      if (old.isEmpty()) {
        // Python puts the replacement before every character and at the end.
        out.append(replacement);
        if (from == text.units()) {
          break;
        }
        int end = from + Character.charCount(text.chars().codePointAt(from));
        out.append(text, from, end);
        from = end;
        continue;
      }
      int at = Operators.indexOf(run, text, old, from);
      if (at < 0) {
        break;
      }
      out.append(text, from, at).append(replacement);
      from = at + old.units();
    }
    return out.append(text, from, text.units()).build();
  }

  private static Text join(Run run, Text separator, Value items) {
    TextBuilder out = new TextBuilder(run);
    boolean first = true;
    for (Value item : Operators.iterate(run, items)) {
      if (!(item instanceof Text text)) {
        throw run.error("join() needs strings, not " + item.typeName());
      }
      run.charge(1);
      if (!first) {
        out.append(separator);
      }
      out.append(text);
      first = false;
    }
    return out.build();
  }

  /** A change of letters, which may change their number; each run keeps its origin. */
  interface Letters {
    String change(String text);
  }

  static Text map(Run run, Text text, Letters letters) {
    TextBuilder out = new TextBuilder(run);
    for (int i = 0; i < text.units(); ) {
      int end = text.runEnd(i);
      out.append(letters.change(text.chars().substring(i, end)), text.firstUser(i, end) >= 0);
      i = end;
    }
    return out.build();
  }

  static Text capitalize(Run run, Text text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = Character.charCount(text.chars().codePointAt(0));
    Text head = map(run, text.slice(0, first), TextMethods::titleCase);
    Text tail = map(run, text.slice(first, text.units()), s -> s.toLowerCase(Locale.ROOT));
    return new TextBuilder(run).append(head).append(tail).build();
  }

  private static Text title(Run run, Text text) {
    TextBuilder out = new TextBuilder(run);
    boolean inWord = false;
    for (int i = 0; i < text.units(); ) {
      int c = text.chars().codePointAt(i);
      int end = i + Character.charCount(c);
      String letter = text.chars().substring(i, end);
      String changed = inWord ? letter.toLowerCase(Locale.ROOT) : titleCase(letter);
      out.append(changed, text.firstUser(i, end) >= 0);
      run.charge(1);
      inWord = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
      i = end;
    }
    return out.build();
  }

  private static String titleCase(String letter) {
    String upper = letter.toUpperCase(Locale.ROOT);
    int first = Character.charCount(upper.codePointAt(0));
    return first == upper.length()
        ? Character.toString(Character.toTitleCase(letter.codePointAt(0)))
        : upper.substring(0, first) + upper.substring(first).toLowerCase(Locale.ROOT);
  }

  private static Int find(Run run, Text text, Arguments arguments, String name) {
    Text needle = needle(run, arguments, name);
    int at =
        name.equals("rfind")
            ? Operators.lastIndexOf(run, text, needle, text.units())
            : Operators.indexOf(run, text, needle, 0);
    if (at < 0 && name.equals("index")) {
      throw run.error("index() did not find the substring");
    }
    return new Int(at < 0 ? -1 : text.chars().codePointCount(0, at));
  }

  private static long count(Run run, Text text, Text needle) {
    if (needle.isEmpty()) {
      run.chargeChars(text.units());
      return text.length() + 1L;
    }
    long n = 0;
    for (int at = Operators.indexOf(run, text, needle, 0); at >= 0; n++) {
      at = Operators.indexOf(run, text, needle, at + needle.units());
    }
    return n;
  }

  private static Value all(Run run, Text text, IntPredicate predicate) {
    run.chargeChars(text.units());
    return Value.of(!text.isEmpty() && text.chars().codePoints().allMatch(predicate));
  }

  private static Value isCase(Run run, Text text, boolean upper) {
    run.chargeChars(text.units());
    boolean wanted =
        text.chars().codePoints().anyMatch(upper ? Character::isUpperCase : Character::isLowerCase);
    boolean other =
        text.chars().codePoints().anyMatch(upper ? Character::isLowerCase : Character::isUpperCase);
    return Value.of(wanted && !other);
  }
}
