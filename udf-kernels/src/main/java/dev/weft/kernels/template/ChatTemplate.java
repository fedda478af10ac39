package dev.weft.kernels.template;

import dev.weft.kernels.template.TemplateException.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's chat template: the Jinja2 program, carried by the model file, that turns messages into
 * the one text the model was trained on. Immutable and safe to share between threads.
 *
 * <p>The dialect is the one of Hugging Face transformers ({@code trim_blocks}, {@code
 * lstrip_blocks}, loop controls, {@code tojson}, {@code raise_exception}, {@code strftime_now}),
 * and so is what a template sees: {@code messages}, {@code add_generation_prompt}, {@code
 * bos_token}, {@code eos_token}, and {@code tools} and {@code documents} as none. Templates are
 * programs of strangers: they run over a closed set of values, without reflection, under fixed
 * limits of steps, text and nesting.
 */
public final class ChatTemplate {
  private static final int MAX_SOURCE_CHARS = 1 << 20;

  /** What a message counts for beside its text: a template works on it even if it is empty. */
  private static final int CHARS_FOR_A_MESSAGE = 64;

  private final List<Node> nodes;

  private ChatTemplate(List<Node> nodes) {
    this.nodes = nodes;
  }

  /**
   * Reads a template.
   *
   * @throws TemplateException of kind {@code SYNTAX} or {@code LIMIT} if it is not valid
   */
  public static ChatTemplate compile(String source) {
    if (source.length() > MAX_SOURCE_CHARS) {
      throw new TemplateException(
          Kind.LIMIT,
          0,
          "the chat template has " + source.length() + " characters",
          "At most " + MAX_SOURCE_CHARS + " are read; check that it is a chat template");
    }
    return new ChatTemplate(Parser.parse(source.replace(SpecialTokenGuard.MARK, '\uFFFD')));
  }

  /**
   * Renders a conversation. The text is whole, with the begin-of-sequence token where the model
   * wants one: the tokenizer adds none to it.
   *
   * @return the text; within it {@link SpecialTokenGuard#MARK} stands only where the guard put it
   * @throws TemplateException of kind {@code REQUEST} if the template does not take these messages,
   *     {@code EVALUATION} if it fails over them, {@code LIMIT} if the sandbox stops it
   */
  public String render(List<ChatMessage> messages, RenderOptions options) {
    long inputChars = 0;
    for (ChatMessage message : messages) {
      inputChars += message.content().length() + CHARS_FOR_A_MESSAGE;
    }
    Run run = new Run(options.date(), inputChars);
    List<Value> turns = new ArrayList<>(messages.size());
    for (ChatMessage message : messages) {
      turns.add(turn(run, message));
    }
    Map<String, Value> variables = new HashMap<>();
    variables.put("messages", run.list(turns));
    variables.put("tools", Value.NONE);
    variables.put("documents", Value.NONE);
    variables.put("add_generation_prompt", Value.of(options.addGenerationPrompt()));
    putIfPresent(variables, "bos_token", options.bosToken());
    putIfPresent(variables, "eos_token", options.eosToken());
    return options.guard().apply(Interpreter.render(nodes, variables, run));
  }

  private static Value turn(Run run, ChatMessage message) {
    if (!ChatMessage.ROLES.contains(message.role())) {
      throw new TemplateException(
          Kind.REQUEST,
          0,
          "unknown role '" + message.role() + "'",
          "Use one of system, developer, user, assistant, tool");
    }
    LinkedHashMap<Object, Value.Entry> entries = new LinkedHashMap<>();
    String content = message.content().replace(SpecialTokenGuard.MARK, '\uFFFD');
    put(entries, "role", Text.trusted(message.role()));
    put(entries, "content", Text.user(content));
    return run.dict(entries);
  }

  private static void put(LinkedHashMap<Object, Value.Entry> entries, String key, Value value) {
    entries.put(key, new Value.Entry(Text.trusted(key), value));
  }

  private static void putIfPresent(Map<String, Value> variables, String name, String text) {
    if (text != null) {
      variables.put(name, Text.trusted(text));
    }
  }
}
