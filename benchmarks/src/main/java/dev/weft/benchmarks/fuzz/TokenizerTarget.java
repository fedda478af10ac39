package dev.weft.benchmarks.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.tokenizer.ByteStrings;
import dev.weft.kernels.tokenizer.Tokenizer;
import dev.weft.kernels.tokenizer.TokenizerMetadata;
import dev.weft.kernels.tokenizer.Tokenizers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/** Vocabularies, merges, scores and kinds that do not fit together, and texts for those that do. */
final class TokenizerTarget implements FuzzTarget {
  private static final String P = "tokenizer.ggml.";
  private static final String[] PRE = {"gpt-2", "llama-bpe", "qwen2", "smollm", "starcoder", "x"};

  @Override
  public String name() {
    return "tokenizer";
  }

  @Override
  public Input next(RandomGenerator random) {
    boolean sentencePiece = random.nextBoolean();
    Map<String, Object> values = new HashMap<>();
    values.put(P + "model", sentencePiece ? "llama" : "gpt2");
    values.put(P + "tokens", TokenizerSeed.tokens(sentencePiece));
    values.put(P + "token_type", TokenizerSeed.types(sentencePiece, tokens(values).length));
    values.put(P + "scores", TokenizerSeed.scores(tokens(values).length));
    values.put(P + "merges", TokenizerSeed.merges());
    values.put(P + "pre", PRE[random.nextInt(PRE.length - (random.nextInt(8) == 0 ? 0 : 1))]);
    values.put(P + "bos_token_id", 1);
    values.put(P + "eos_token_id", 2);
    values.put(P + "unknown_token_id", 0);
    for (int n = random.nextInt(5); n > 0; n--) {
      mutate(values, random);
    }
    return new Vocabulary(values, List.of(Texts.next(random), Texts.next(random)));
  }

  private static String[] tokens(Map<String, Object> values) {
    return (String[]) values.getOrDefault(P + "tokens", new String[0]);
  }

  private static void mutate(Map<String, Object> values, RandomGenerator random) {
    List<String> keys = new ArrayList<>(new TreeMap<>(values).keySet());
    String key = keys.get(random.nextInt(keys.size()));
    if (random.nextInt(20) == 0 && keys.size() > 1) {
      values.remove(key);
      return;
    }
    Object value = values.get(key);
    values.put(
        key,
        switch (value) {
          case String text -> random.nextInt(6) == 0 ? Texts.next(random) : text;
          case String[] texts -> strings(texts, random, key.endsWith("merges"), tokens(values));
          case int[] numbers -> numbers(numbers, random);
          case float[] scores -> scores(scores, random);
          default -> (int) ByteMutator.interesting(random);
        });
  }

  private static String[] strings(
      String[] texts, RandomGenerator random, boolean merges, String[] tokens) {
    if (texts.length == 0) {
      return new String[] {Texts.next(random)};
    }
    String[] changed = texts.clone();
    int at = random.nextInt(texts.length);
    switch (random.nextInt(6)) {
      case 0 -> changed = Arrays.copyOf(texts, random.nextInt(texts.length));
      case 1 -> changed[at] = texts[random.nextInt(texts.length)];
      case 2 -> changed[at] = Texts.next(random);
      case 3 -> {
        int from = changed.length;
        changed = Arrays.copyOf(texts, from + random.nextInt(1, 300));
        for (int i = from; i < changed.length; i++) {
          changed[i] = merges ? merge(random, tokens) : "t" + random.nextInt(200);
        }
      }
      case 4 -> changed[at] = texts[at].repeat(random.nextInt(1, 2000));
      default -> changed[at] = merges ? merge(random, tokens) : texts[at] + texts[0];
    }
    return changed;
  }

  /** Two symbols that exist, do not exist, or are the merge's own result. */
  private static String merge(RandomGenerator random, String[] tokens) {
    String left = tokens.length == 0 ? "a" : tokens[random.nextInt(tokens.length)];
    String right = random.nextBoolean() || tokens.length == 0 ? "a" : tokens[0] + left;
    return left + (random.nextInt(10) == 0 ? "" : " ") + right;
  }

  private static int[] numbers(int[] numbers, RandomGenerator random) {
    int[] changed = numbers.clone();
    if (changed.length == 0 || random.nextInt(6) == 0) {
      return Arrays.copyOf(changed, random.nextInt(changed.length + 3));
    }
    for (int n = random.nextInt(1, 4); n > 0; n--) {
      boolean odd = random.nextInt(10) == 0;
      changed[random.nextInt(changed.length)] =
          odd ? (int) ByteMutator.interesting(random) : random.nextInt(7);
    }
    return changed;
  }

  private static float[] scores(float[] scores, RandomGenerator random) {
    float[] changed = scores.clone();
    if (changed.length == 0 || random.nextInt(6) == 0) {
      return Arrays.copyOf(changed, random.nextInt(changed.length + 3));
    }
    float[] odd = {0f, -0f, 1e30f, -1e30f, Float.MIN_VALUE, Float.NaN, Float.POSITIVE_INFINITY};
    changed[random.nextInt(changed.length)] = odd[random.nextInt(odd.length)];
    return changed;
  }

  private record Vocabulary(Map<String, Object> values, List<String> texts) implements Input {
    @Override
    public long bytes() {
      long bytes = 0;
      for (Object value : values.values()) {
        bytes +=
            switch (value) {
              case String[] all -> Arrays.stream(all).mapToLong(s -> s.length() + 8L).sum();
              case int[] all -> 4L * all.length;
              case float[] all -> 4L * all.length;
              default -> 16;
            };
      }
      return bytes + texts.stream().mapToLong(String::length).sum();
    }

    @Override
    public void read() {
      Tokenizer tokenizer = Tokenizers.of(new Metadata(values));
      texts.forEach(text -> TokenizerSeed.use(tokenizer, text));
    }

    @Override
    public boolean documents(Throwable e) {
      return e instanceof WrongValue;
    }

    @Override
    public byte[] dump() {
      var text = new StringBuilder();
      new TreeMap<>(values)
          .forEach(
              (key, value) ->
                  text.append(key)
                      .append(" = ")
                      .append(
                          switch (value) {
                            case String[] all -> Arrays.toString(all);
                            case int[] all -> Arrays.toString(all);
                            case float[] all -> Arrays.toString(all);
                            default -> value.toString();
                          })
                      .append('\n'));
      texts.forEach(t -> text.append("text: ").append(t).append('\n'));
      return text.toString().getBytes(UTF_8);
    }
  }

  /** What {@link TokenizerMetadata} says a value that is missing or wrong raises. */
  private static final class WrongValue extends RuntimeException {
    private static final long serialVersionUID = 1;

    WrongValue(String message) {
      super(message, null, false, false);
    }
  }

  private record Metadata(Map<String, Object> values) implements TokenizerMetadata {
    private <T> T get(String key, Class<T> type) {
      Object value = values.get(key);
      if (!type.isInstance(value)) {
        throw wrong(key, "is missing or no " + type);
      }
      return type.cast(value);
    }

    @Override
    public boolean contains(String key) {
      return values.containsKey(key);
    }

    @Override
    public String string(String key) {
      return get(key, String.class);
    }

    @Override
    public ByteStrings strings(String key, int maxCount) {
      String[] strings = get(key, String[].class);
      range(key, strings.length, 0, maxCount);
      return ByteStrings.of(strings);
    }

    @Override
    public float[] floats(String key) {
      return get(key, float[].class).clone();
    }

    @Override
    public int[] integers(String key, int min, int max) {
      int[] numbers = get(key, int[].class).clone();
      for (int number : numbers) {
        range(key, number, min, max);
      }
      return numbers;
    }

    @Override
    public int integer(String key, int min, int max, int defaultValue) {
      return contains(key) ? range(key, get(key, Integer.class), min, max) : defaultValue;
    }

    private int range(String key, int number, int min, int max) {
      if (number < min || number > max) {
        throw wrong(key, "is " + number);
      }
      return number;
    }

    @Override
    public boolean bool(String key, boolean defaultValue) {
      return defaultValue;
    }

    @Override
    public RuntimeException wrong(String key, String what) {
      return new WrongValue(key + " " + what);
    }

    @Override
    public RuntimeException unsupported(String key, String value, String supported) {
      return new WrongValue(key + " " + value);
    }
  }
}
