package dev.weft.datasets.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OpenAiBatchTest {
  private static final RequestLimits LIMITS = new RequestLimits(4096, 1000);
  private final OpenAiBatch batch =
      new OpenAiBatch(new RequestReader(LIMITS, SamplingParams.DEFAULTS));

  private Request parse(String line) throws RequestException {
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    return batch.parse(bytes, 0, bytes.length);
  }

  private static String chat(String body) {
    return "{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {"
        + "\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]"
        + (body.isEmpty() ? "" : ", " + body)
        + "}}";
  }

  @Test
  void readsAChatRequestWithEveryParameter() throws RequestException {
    Request request =
        parse(
            chat(
                """
                "model": "any", "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "top_k": -1,
                "min_p": 0.1, "repetition_penalty": 1.5, "frequency_penalty": -1,
                "presence_penalty": 2, "stop": ["x", "y"], "seed": -3, "n": 2, "logprobs": true,
                "top_logprobs": 4
                """
                    .replace("\n", " ")));
    assertThat(request.id()).isEqualTo("a");
    assertThat(request.prompt())
        .isEqualTo(new Prompt.Messages(List.of(new ChatMessage("user", "hi"))));
    assertThat(request.params())
        .isEqualTo(
            new SamplingParams(
                7, 0.5, 0.9, 0, 0.1, 1.5, -1, 2, List.of("x", "y"), OptionalLong.of(-3), 2, 4));
    assertThat(request.ignoredFields()).containsExactly("body.model");
  }

  @Test
  void readsCompletionsOfTextAndOfTokens() throws RequestException {
    Request text =
        parse(
            "{\"custom_id\":\"b\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"Once\",\"logprobs\":3,\"stop\":\"z\"}}");
    assertThat(text.prompt()).isEqualTo(new Prompt.Text("Once"));
    assertThat(text.params().logprobs()).isEqualTo(3);
    assertThat(text.params().stop()).containsExactly("z");
    Request tokens = parse("{\"custom_id\":\"c\",\"body\":{\"prompt\":[1,2,3]}}");
    assertThat(((Prompt.TokenIds) tokens.prompt()).ids()).containsExactly(1, 2, 3);
  }

  @Test
  void joinsTextPartsAndTakesNewNameOfMaxTokens() throws RequestException {
    Request request =
        parse(
            "{\"custom_id\":\"p\",\"body\":{\"max_completion_tokens\":9,\"max_tokens\":5,\"messages\":[{\"role\":\"system\","
                + "\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\"}]}]}}");
    assertThat(((Prompt.Messages) request.prompt()).messages().getFirst().content())
        .isEqualTo("one\ntwo");
    assertThat(request.params().maxTokens()).isEqualTo(9);
  }

  @Test
  void nullAndNeutralFieldsMeanNothing() throws RequestException {
    Request request =
        parse(
            chat(
                "\"tools\": [], \"response_format\": {\"type\": \"text\"}, \"logit_bias\": {}, \"temperature\": null,"
                    + " \"audio\": null, \"stop\": null, \"user\": \"u\""));
    assertThat(request.params()).isEqualTo(SamplingParams.DEFAULTS);
    assertThat(request.ignoredFields()).containsExactly("body.user");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          not json                                            | ROW_BROKEN_JSON
          {"custom_id": "a"                                   | ROW_BROKEN_JSON
          {"custom_id": "a"} x                                | ROW_BROKEN_JSON
          [1]                                                 | ROW_BROKEN_JSON
          {"custom_id": "a", "custom_id": "b", "body": {}}    | ROW_DUPLICATE_KEY
          {"body": {}}                                        | ID_MISSING
          {"custom_id": "", "body": {}}                       | ID_MISSING
          {"custom_id": null, "body": {}}                     | ID_MISSING
          {"custom_id": 7, "body": {}}                        | FIELD_TYPE
          {"custom_id": "a"}                                  | FIELD_TYPE
          {"custom_id": "a", "body": []}                      | FIELD_TYPE
          {"custom_id": "a", "url": "/v1/embeddings", "body": {}}              | ENDPOINT_UNSUPPORTED
          {"custom_id": "a", "method": "GET", "body": {}}     | ENDPOINT_UNSUPPORTED
          {"custom_id": "a", "body": {}}                      | PROMPT_MISSING
          {"custom_id": "a", "body": {"prompt": "x", "messages": []}}          | PROMPT_AMBIGUOUS
          {"custom_id": "a", "body": {"prompt": ""}}          | PROMPT_EMPTY
          {"custom_id": "a", "body": {"prompt": []}}          | PROMPT_EMPTY
          {"custom_id": "a", "body": {"messages": []}}        | PROMPT_EMPTY
          {"custom_id": "a", "body": {"messages": [{"role": "user", "content": " "}]}}  | PROMPT_EMPTY
          {"custom_id": "a", "body": {"prompt": ["x", "y"]}}  | FIELD_UNSUPPORTED
          {"custom_id": "a", "body": {"prompt": 3}}           | FIELD_TYPE
          {"custom_id": "a", "body": {"prompt": [1.5]}}       | FIELD_TYPE
          {"custom_id": "a", "body": {"messages": [{"content": "x"}]}}         | ROLE_UNKNOWN
          {"custom_id": "a", "body": {"messages": [{"role": "boss", "content": "x"}]}}  | ROLE_UNKNOWN
          {"custom_id": "a", "body": {"messages": [{"role": "user"}]}}         | FIELD_TYPE
          {"custom_id": "a", "body": {"messages": "x"}}       | FIELD_TYPE
          {"custom_id": "a", "body": {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}} | FIELD_UNSUPPORTED
          {"custom_id": "a", "body": {"prompt": "x\\ud800"}}   | ROW_INVALID_UTF8
          """)
  void namesWhatIsWrong(String line, RowProblem problem) {
    RequestException e = catchThrowableOfType(RequestException.class, () -> parse(line));
    assertThat(e).as(line).isNotNull();
    assertThat(e.problem()).as(e.getMessage()).isEqualTo(problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "temperature": 2.1        | PARAMETER_OUT_OF_RANGE
          "temperature": -0.1       | PARAMETER_OUT_OF_RANGE
          "temperature": "hot"      | FIELD_TYPE
          "temperature": 1e999      | PARAMETER_OUT_OF_RANGE
          "top_p": 0                | PARAMETER_OUT_OF_RANGE
          "top_k": -2               | PARAMETER_OUT_OF_RANGE
          "max_tokens": 0           | PARAMETER_OUT_OF_RANGE
          "max_tokens": 1.5         | FIELD_TYPE
          "max_tokens": 99999999999 | PARAMETER_OUT_OF_RANGE
          "seed": 99999999999999999999 | PARAMETER_OUT_OF_RANGE
          "n": 129                  | PARAMETER_OUT_OF_RANGE
          "stop": [""]              | PARAMETER_OUT_OF_RANGE
          "stop": [3]               | FIELD_TYPE
          "stop": {}                | FIELD_TYPE
          "logprobs": "yes"         | FIELD_TYPE
          "logprobs": 21            | PARAMETER_OUT_OF_RANGE
          "top_logprobs": 2         | PARAMETER_OUT_OF_RANGE
          "tools": [{}]             | FIELD_UNSUPPORTED
          "response_format": {"type": "json_object"} | FIELD_UNSUPPORTED
          "logit_bias": {"1": 2}    | FIELD_UNSUPPORTED
          """)
  void checksParameters(String body, RowProblem problem) {
    RequestException e = catchThrowableOfType(RequestException.class, () -> parse(chat(body)));
    assertThat(e).as(body).isNotNull();
    assertThat(e.problem()).as(e.getMessage()).isEqualTo(problem);
    assertThat(e.id()).isEqualTo("a");
  }

  @Test
  void refusesWhatIsTooLargeOrTooDeep() {
    assertThatExceptionOfType(RequestException.class)
        .isThrownBy(() -> parse(chat("\"user\": \"" + "x".repeat(5000) + "\"")))
        .matches(e -> e.problem() == RowProblem.ROW_TOO_LARGE);
    assertThatExceptionOfType(RequestException.class)
        .isThrownBy(
            () -> parse("{\"custom_id\":\"a\",\"body\":{\"prompt\":\"" + "é".repeat(501) + "\"}}"))
        .matches(e -> e.problem() == RowProblem.PROMPT_TOO_LARGE);
    assertThatExceptionOfType(RequestException.class)
        .isThrownBy(() -> parse(chat("\"x\": " + "[".repeat(200) + "]".repeat(200))))
        .matches(e -> e.problem() == RowProblem.ROW_TOO_DEEP);
  }

  @Test
  void refusesRowsOfMoreValuesThanFitIntoMemory() {
    OpenAiBatch large =
        new OpenAiBatch(new RequestReader(RequestLimits.DEFAULTS, SamplingParams.DEFAULTS));
    for (String piece : List.of("{}", "0", "[]", "\"\"")) {
      String line =
          "{\"custom_id\": \"a\", \"body\": {\"prompt\": \"x\", \"metadata\": ["
              + (piece + ",").repeat(RequestLimits.MAX_TOKENS)
              + "0]}}";
      byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
      RequestException e =
          catchThrowableOfType(RequestException.class, () -> large.parse(bytes, 0, bytes.length));
      assertThat(e.problem()).as(piece).isEqualTo(RowProblem.ROW_TOO_LARGE);
    }
  }

  @Test
  void findsTheByteThatIsNotUtf8() {
    byte[] line = chat("\"user\": \"?\"").getBytes(StandardCharsets.UTF_8);
    int at = new String(line, StandardCharsets.UTF_8).indexOf('?');
    line[at] = (byte) 0xFF;
    assertThatExceptionOfType(RequestException.class)
        .isThrownBy(() -> batch.parse(line, 0, line.length))
        .matches(e -> e.problem() == RowProblem.ROW_INVALID_UTF8)
        .withMessageContaining("byte " + at);
  }

  @Test
  void mutatedLinesEndInARequestOrARowProblem() {
    long seed = 7;
    Random random = new Random(seed);
    byte[] good =
        chat("\"stop\": [\"a\"], \"seed\": 1, \"temperature\": 0.5, \"logprobs\": true")
            .getBytes(StandardCharsets.UTF_8);
    int accepted = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] line = good.clone();
      for (int k = random.nextInt(4); k >= 0; k--) {
        line[random.nextInt(line.length)] = (byte) random.nextInt(256);
      }
      try {
        batch.parse(line, 0, random.nextInt(line.length + 1));
        accepted++;
      } catch (RequestException e) {
        assertThat(e.getMessage())
            .as("seed %d, line %d", seed, i)
            .isNotBlank()
            .hasSizeLessThan(500);
      }
    }
    assertThat(accepted).isPositive();
  }
}
