package dev.weft.jobs.prepare;

import dev.weft.datasets.format.Prompt;
import dev.weft.datasets.format.Request;
import dev.weft.datasets.format.SamplingParams;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.RowError;
import dev.weft.kernels.template.ChatMessage;
import dev.weft.kernels.template.ChatTemplate;
import dev.weft.kernels.template.RenderOptions;
import dev.weft.kernels.template.SpecialTokenGuard;
import dev.weft.kernels.template.TemplateException;
import dev.weft.kernels.tokenizer.Tokenizer;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;

/** Makes token ids of requests. Safe for use by several threads. */
public final class Preparer {
  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final RenderOptions options;
  private final PrepareSpec spec;

  /** A preparer with the model's own tokenizer. */
  public Preparer(Tokenizer tokenizer, PrepareSpec spec) {
    this.tokenizer = tokenizer;
    this.spec = spec;
    this.template = ChatTemplate.compile(spec.template());
    this.options =
        new RenderOptions(
            textOf(tokenizer.bosToken()),
            textOf(tokenizer.eosToken()),
            true,
            LocalDate.parse(spec.templateDate()),
            SpecialTokenGuard.of(tokenizer.specialStrings()));
  }

  /**
   * A request that can run, or why it cannot.
   *
   * @param tokens the prompt, special tokens included; null with an error
   * @param maxTokens most tokens of the answer, with the context kept; 0 with an error
   * @param cutTokens tokens of the prompt that were cut off
   * @param error null if the request can run
   */
  public record Prepared(int[] tokens, int maxTokens, int cutTokens, RowError error) {
    static Prepared failed(ErrorCode code, String message) {
      return new Prepared(null, 0, 0, new RowError(code, message));
    }
  }

  /** Prepares one request; whatever is wrong with it is in the answer. */
  public Prepared prepare(Request request) {
    try {
      int[] tokens =
          switch (request.prompt()) {
            case Prompt.Text text -> withBos(tokenizer.encode(text.text()));
            case Prompt.Messages chat -> withBos(render(chat));
            case Prompt.TokenIds ids -> ids.ids();
          };
      return check(tokens, request.params());
    } catch (TemplateException e) {
      return Prepared.failed(ErrorCode.TEMPLATE_FAILED, e.getMessage());
    } catch (RuntimeException | StackOverflowError e) {
      return Prepared.failed(
          ErrorCode.TOKENIZER_FAILED, e.getClass().getSimpleName() + ": " + e.getMessage());
    }
  }

  private int[] render(Prompt.Messages chat) {
    List<ChatMessage> messages =
        chat.messages().stream().map(m -> new ChatMessage(m.role(), m.content())).toList();
    String text = template.render(messages, options);
    return tokenizer.encodeWithSpecials(text, SpecialTokenGuard.MARK);
  }

  /** Templates often write the begin token themselves. */
  private int[] withBos(int[] tokens) {
    int bos = tokenizer.bosToken();
    if (!tokenizer.addsBos() || bos < 0 || (tokens.length > 0 && tokens[0] == bos)) {
      return tokens;
    }
    int[] longer = new int[tokens.length + 1];
    longer[0] = bos;
    System.arraycopy(tokens, 0, longer, 1, tokens.length);
    return longer;
  }

  private Prepared check(int[] tokens, SamplingParams params) {
    if (tokens.length == 0) {
      return Prepared.failed(ErrorCode.PROMPT_EMPTY, "the prompt has no tokens");
    }
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= tokenizer.vocabSize()) {
        return Prepared.failed(
            ErrorCode.TOKEN_OUT_OF_RANGE,
            "token %d is %d; the vocabulary has 0 to %d"
                .formatted(i, tokens[i], tokenizer.vocabSize() - 1));
      }
    }
    int context = spec.contextTokens();
    int wanted =
        params.maxTokens() == SamplingParams.UNLIMITED ? Integer.MAX_VALUE : params.maxTokens();
    if (tokens.length < context) {
      return new Prepared(tokens, Math.min(wanted, context - tokens.length), 0, null);
    }
    int kept = context - Math.min(wanted, context / 2);
    return switch (spec.longPrompts()) {
      case ERROR ->
          Prepared.failed(
              ErrorCode.PROMPT_EXCEEDS_CONTEXT,
              "the prompt has %d tokens; the context has room for %d tokens of prompt and answer"
                  .formatted(tokens.length, context));
      case KEEP_START -> cut(tokens, 0, kept);
      case KEEP_END -> cut(tokens, tokens.length - kept, kept);
    };
  }

  private Prepared cut(int[] tokens, int from, int kept) {
    int[] rest = Arrays.copyOfRange(tokens, from, from + kept);
    if (tokens[0] == tokenizer.bosToken()) {
      rest[0] = tokens[0];
    }
    return new Prepared(rest, spec.contextTokens() - kept, tokens.length - kept, null);
  }

  private String textOf(int token) {
    return token < 0 ? null : tokenizer.tokenText(token);
  }
}
