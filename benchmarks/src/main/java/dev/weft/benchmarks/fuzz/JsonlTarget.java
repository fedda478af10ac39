package dev.weft.benchmarks.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.datasets.format.OpenAiBatch;
import dev.weft.datasets.format.RequestException;
import dev.weft.datasets.format.RequestLimits;
import dev.weft.datasets.format.RequestReader;
import dev.weft.datasets.format.SamplingParams;
import java.util.List;
import java.util.random.RandomGenerator;

/** Lines of request files. */
final class JsonlTarget implements FuzzTarget {
  private static final List<String> SEEDS =
      List.of(
          """
          {"custom_id":"r1","method":"POST","url":"/v1/chat/completions","body":{"model":"m",\
          "messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hello"}],\
          "max_tokens":16,"temperature":0.5,"top_p":0.9,"stop":["a","b"],"seed":7,"n":1,\
          "logprobs":true,"top_logprobs":3}}""",
          """
          {"custom_id":"r2","url":"/v1/completions","body":{"prompt":"once \\u00e9 \\ud83d\\ude00",\
          "max_tokens":5,"logprobs":2,"frequency_penalty":-1,"presence_penalty":1e0}}""",
          """
          {"custom_id":"r3","body":{"prompt":[1,2,3,4,65535],"stop":"x","top_k":-1,"min_p":0}}""",
          """
          {"custom_id":"r4","body":{"messages":[{"role":"user","content":[{"type":"text",\
          "text":"a"},{"type":"input_text","text":"b"}],"name":null}],"tools":null}}""");
  private static final String[] VALUES = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1e999",
    "-1e-999",
    "1E400",
    "9223372036854775807",
    "9223372036854775808",
    "1" + "0".repeat(70),
    "0." + "1".repeat(60),
    "NaN",
    "Infinity",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[[]]",
    "{\"a\":1,\"a\":2}",
    "\"POST\"",
    "[null]",
    "\"user\"",
    "1.5",
    "2147483648",
    "\"\\uD83D\"",
    "[{\"type\":\"text\"}]",
    "+1",
    "01",
    "'a'"
  };
  private static final String[] NAMES = {
    "custom_id",
    "body",
    "messages",
    "prompt",
    "content",
    "role",
    "stop",
    "n",
    "seed",
    "tool_calls",
    "stream",
    "response_format",
    "\\u0062ody",
    "model"
  };

  private final OpenAiBatch parser =
      new OpenAiBatch(new RequestReader(RequestLimits.DEFAULTS, SamplingParams.DEFAULTS));

  @Override
  public String name() {
    return "jsonl";
  }

  @Override
  public Input next(RandomGenerator random) {
    String text = SEEDS.get(random.nextInt(SEEDS.size()));
    for (int n = random.nextInt(5); n > 0; n--) {
      text = mutate(text, random);
    }
    byte[] bytes = text.getBytes(UTF_8);
    return new Line(parser, random.nextInt(3) == 0 ? ByteMutator.mutate(bytes, random) : bytes);
  }

  private static String mutate(String text, RandomGenerator random) {
    String value = VALUES[random.nextInt(VALUES.length)];
    if (text.isEmpty()) {
      return value;
    }
    return switch (random.nextInt(9)) {
      case 0, 1, 2 -> replaceValue(text, value, random);
      case 3 -> {
        int depth = random.nextInt(1, random.nextInt(10) == 0 ? 20_000 : 60);
        boolean list = random.nextBoolean();
        yield replaceValue(
            text,
            (list ? "[" : "{\"a\":").repeat(depth) + "1" + (list ? "]" : "}").repeat(depth),
            random);
      }
      case 4 -> {
        String name = NAMES[random.nextInt(NAMES.length)];
        int at = text.indexOf('{', random.nextInt(text.length()));
        yield at < 0
            ? text + value
            : text.substring(0, at + 1)
                + "\""
                + name
                + "\":"
                + value
                + ","
                + text.substring(at + 1);
      }
      case 5 ->
          replaceValue(text, "[" + (value + ",").repeat(random.nextInt(200)) + value + "]", random);
      case 6 -> {
        int at = text.indexOf('"', random.nextInt(text.length()));
        yield at < 0
            ? text
            : text.substring(0, at + 1) + Texts.next(random) + text.substring(at + 1);
      }
      case 7 -> text + (random.nextBoolean() ? value : text);
      default -> text.substring(0, random.nextInt(text.length() + 1));
    };
  }

  /** Puts a value in the place of another one. */
  private static String replaceValue(String text, String value, RandomGenerator random) {
    int colon = text.indexOf(':', random.nextInt(text.length()));
    if (colon < 0) {
      return value;
    }
    int end = colon + 1;
    while (end < text.length() && ",}]".indexOf(text.charAt(end)) < 0) {
      end++;
    }
    return text.substring(0, colon + 1) + value + text.substring(end);
  }

  @Override
  public Input of(byte[] bytes) {
    return new Line(parser, bytes);
  }

  private record Line(OpenAiBatch parser, byte[] dump) implements Input {
    @Override
    public long bytes() {
      return dump.length;
    }

    @Override
    public void read() throws RequestException {
      parser.parse(dump, 0, dump.length);
    }

    @Override
    public boolean documents(Throwable e) {
      return e instanceof RequestException;
    }
  }
}
