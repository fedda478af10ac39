package dev.weft.jobs.secret;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Takes secrets out of texts: passwords in URLs, signatures in their queries, values of settings
 * whose name says that they are secret. A clean text stays as it is.
 */
public final class Secrets {
  /** What stands in a secret's place. */
  public static final String HIDDEN = "***";

  /** Names of secrets. Numbers of tokens, and the tokens that models read, are none. */
  private static final String NAME =
      "[\\w.-]*(?:secret|passw|pwd|passphrase|credential|signature|(?<!per|per_)token(?!s|iz|[._-]?id)"
          + "|(?:access|account|api|private|shared|encryption|sas|auth)[._-]?key)[\\w.-]*";

  private static final Pattern WHOLE_NAME = Pattern.compile("(?i)" + NAME);

  /** {@code scheme://user:password@host}; a container before the @, without a colon, is none. */
  private static final Pattern URL_USER =
      Pattern.compile("(?i)\\b([a-z][a-z0-9+.-]*://)[^/@\\s:\"']*:(?!\\d{1,5}/)[^@\\s\"']*@");

  /** {@code jdbc:oracle:thin:user/password@host}. */
  private static final Pattern JDBC_USER =
      Pattern.compile("(?i)\\b(jdbc:[a-z0-9:]+:)[^/@\\s\"';]+/[^@\\s\"']+@");

  private static final Pattern SIGNED_URL =
      Pattern.compile("(?i)([?&](?:sig|x-amz-[\\w-]+|x-goog-[\\w-]+)=)[^&\\s\"']+");

  /** {@code name=value}, {@code name: value} and JSON; "token: x" is how parsers complain. */
  private static final Pattern SETTING =
      Pattern.compile(
          "(?i)(?<![\\w.-])(?!token:)(" + NAME + "[\"']?\\s*[=:]\\s*[\"']?)[^\\s\"'&;,<>)}\\]]+");

  private Secrets() {}

  /** The text without its secrets. */
  public static String hide(String text) {
    if (text == null || text.isEmpty()) {
      return text;
    }
    String clean = URL_USER.matcher(text).replaceAll("$1" + HIDDEN + "@");
    clean = JDBC_USER.matcher(clean).replaceAll("$1" + HIDDEN + "@");
    clean = SIGNED_URL.matcher(clean).replaceAll("$1" + HIDDEN);
    return SETTING.matcher(clean).replaceAll("$1" + HIDDEN);
  }

  /** The settings without their secrets. */
  public static Map<String, String> hide(Map<String, String> settings) {
    Map<String, String> clean = new LinkedHashMap<>();
    settings.forEach(
        (key, value) ->
            clean.put(
                key, WHOLE_NAME.matcher(key).matches() && !value.isEmpty() ? HIDDEN : hide(value)));
    return clean;
  }
}
