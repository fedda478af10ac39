package dev.weft.kernels.template;

import java.util.Collection;

/** The named template for a model whose file carries none. */
public enum DefaultTemplate {
  /** {@code <|im_start|>role\ncontent<|im_end|>\n}, for vocabularies that have these tokens. */
  CHATML(
      """
      {%- for message in messages -%}
      {{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
      {%- endfor -%}
      {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}
      """),
  /** {@code role: content} with a blank line after each message. */
  PLAIN(
      """
      {{- bos_token }}
      {%- for message in messages -%}
      {{ message.role + ': ' + message.content + '\\n\\n' }}
      {%- endfor -%}
      {%- if add_generation_prompt %}{{ 'assistant:' }}{% endif -%}
      """);

  private final String source;

  DefaultTemplate(String source) {
    this.source = source;
  }

  /** ChatML if the vocabulary has both of its tokens, else the plain format. */
  public static DefaultTemplate forVocabulary(Collection<String> specialTokens) {
    return specialTokens.contains("<|im_start|>") && specialTokens.contains("<|im_end|>")
        ? CHATML
        : PLAIN;
  }

  /** The template's Jinja source. */
  public String source() {
    return source;
  }
}
