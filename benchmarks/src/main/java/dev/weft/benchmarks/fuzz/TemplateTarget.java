package dev.weft.benchmarks.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.template.ChatMessage;
import dev.weft.kernels.template.ChatTemplate;
import dev.weft.kernels.template.DefaultTemplate;
import dev.weft.kernels.template.RenderOptions;
import dev.weft.kernels.template.SpecialTokenGuard;
import dev.weft.kernels.template.TemplateException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Chat templates: generated ones, and changes of those and of the project's own. */
final class TemplateTarget implements FuzzTarget {
  private static final RenderOptions OPTIONS =
      new RenderOptions(
          "<s>", "</s>", true, LocalDate.of(2026, 3, 7), SpecialTokenGuard.of(Texts.SPECIAL));

  private final List<String> seeds = new ArrayList<>();

  TemplateTarget() {
    for (DefaultTemplate template : DefaultTemplate.values()) {
      seeds.add(template.source());
    }
    seeds.add(
        "{%- macro show(m, deep=0) -%}{{ m.role|upper }}{% if deep < 3 %}{{ show(m, deep + 1) }}"
            + "{% endif %}{%- endmacro -%}{% for m in messages %}{{ show(m) }}{% endfor %}");
    seeds.add(
        "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% endif %}"
            + "{% for m in rest or messages %}{{ '[INST] ' + m.content|trim + ' [/INST]' }}"
            + "{% if loop.last and add_generation_prompt %}{{ eos_token }}{% endif %}{% endfor %}");
    seeds.add(
        "{% set ns = namespace(n=0) %}{% for k, v in {'a': 1, 'b': [2]}.items() %}"
            + "{% set ns.n = ns.n + loop.index %}{{ k ~ v|tojson(indent=2) }}{% endfor %}{{ ns.n }}");
  }

  @Override
  public String name() {
    return "template";
  }

  @Override
  public Input next(RandomGenerator random) {
    String source =
        random.nextInt(3) == 0
            ? seeds.get(random.nextInt(seeds.size()))
            : TemplateGrammar.next(random);
    if (random.nextInt(3) == 0) {
      source = new String(ByteMutator.mutate(source.getBytes(UTF_8), random), UTF_8);
    }
    List<ChatMessage> messages =
        List.of(
            new ChatMessage("system", Texts.next(random)),
            new ChatMessage("user", Texts.next(random)),
            new ChatMessage("assistant", Texts.next(random)));
    return new Template(source, messages);
  }

  @Override
  public Input of(byte[] bytes) {
    return new Template(new String(bytes, UTF_8), List.of(new ChatMessage("user", "hi </s>")));
  }

  private record Template(String source, List<ChatMessage> messages) implements Input {
    @Override
    public long bytes() {
      return source.length() + messages.stream().mapToLong(m -> m.content().length()).sum();
    }

    @Override
    public void read() {
      ChatTemplate.compile(source).render(messages, OPTIONS);
    }

    @Override
    public boolean documents(Throwable e) {
      return e instanceof TemplateException;
    }

    @Override
    public byte[] dump() {
      return source.getBytes(UTF_8);
    }
  }
}
