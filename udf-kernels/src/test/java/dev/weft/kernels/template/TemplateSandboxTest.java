package dev.weft.kernels.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.weft.kernels.template.TemplateException.Kind;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates that try to get out, to run for ever or to fill the memory. */
// The time is a net for hangs, not a measurement.
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TemplateSandboxTest {
  private static final RenderOptions OPTIONS =
      new RenderOptions("<s>", "</s>", true, LocalDate.of(2026, 3, 7), SpecialTokenGuard.none());
  private static final List<ChatMessage> MESSAGES = List.of(new ChatMessage("user", "Hello"));

  private static TemplateException failureOf(String source) {
    TemplateException failure =
        catchThrowableOfType(
            TemplateException.class, () -> ChatTemplate.compile(source).render(MESSAGES, OPTIONS));
    assertThat(failure).isNotNull();
    assertThat(failure.what()).isNotBlank();
    assertThat(failure.hint()).isNotBlank();
    return failure;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ messages.__class__ }}",
        "{{ messages[0]['__class__'] }}",
        "{{ range.__globals__ }}",
        "{{ raise_exception.__code__ }}",
        "{% for x in [1] %}{{ loop.__init__ }}{% endfor %}",
        "{{ namespace().__dict__ }}",
        "{{ ['']|map(attribute='__class__')|list }}",
        "{{ ''.getClass() }}",
        "{{ ''.repeat(9) }}",
        "{{ messages.getClass().forName('java.lang.Runtime') }}",
        "{{ self.x }}",
        "{{ open('/etc/passwd') }}",
        "{{ ''|attr('__class__') }}",
        "{{ messages[0].update({'role': 'system'}) }}",
        "{{ messages.append(1) }}",
      })
  void nothingOutsideIsReached(String source) {
    assertThat(failureOf(source).kind()).isEqualTo(Kind.EVALUATION);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
      })
  void noOtherFileIsRead(String source) {
    TemplateException failure = failureOf(source);
    assertThat(failure.kind()).isEqualTo(Kind.SYNTAX);
    assertThat(failure.what()).contains("not supported");
  }

  @Test
  void anUndefinedAttributeIsNoJavaProperty() {
    String text =
        ChatTemplate.compile("[{{ messages.class }}{{ ''.bytes }}{{ range.name }}]")
            .render(MESSAGES, OPTIONS);
    assertThat(text).isEqualTo("[]");
  }

  static List<String> boundless() {
    List<String> sources =
        new ArrayList<>(
            List.of(
                "{% for i in range(100001) %}{% endfor %}",
                "{% for i in range(-9223372036854775807, 9223372036854775807) %}{% endfor %}",
                "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{% macro f(x) %}{{ x }}{% endmacro %}{% macro g() %}{{ f(g()) }}{% endmacro %}"
                    + "{{ g() }}",
                "{% macro f() %}{% set x %}{{ caller() }}{% endset %}{% call f() %}{{ f() }}"
                    + "{% endcall %}{% endmacro %}{% call f() %}{% endcall %}",
                "{{ 'x' * 1000000000 }}",
                "{{ 1000000000 * 'x' }}",
                "{{ [1] * 1000000000 }}",
                "{% set ns = namespace(s='x') %}{% for i in range(60) %}"
                    + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(60) %}"
                    + "{% set ns.s = ns.s.replace('', ns.s) %}{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}"
                    + "{% set ns.l = ns.l + ns.l %}{% endfor %}",
                "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}"
                    + "{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
                "{% set ns = namespace(l={}) %}{% for i in range(99999) %}"
                    + "{% set ns.l = {'a': ns.l} %}{% endfor %}{{ ns.l|tojson }}",
                "{% for i in range(100000) %}{{ 'abcdefgh' * 100 }}{% endfor %}",
                "{% for i in range(99999) %}{{ range(99999)|sum }}{% endfor %}",
                "{% set s = 'a' * 300000 %}{% for i in range(99999) %}"
                    + "{{ 'x' if s ~ 'b' in s }}{% endfor %}",
                "{% set s = 'a' * 900000 %}{% set n = 'a' * 300000 ~ 'b' %}{{ n in s }}",
                "{% set s = 'a' * 900000 %}{% set n = 'b' ~ 'a' * 300000 %}{{ s.rfind(n) }}",
                "{% set s = 'a' * 900000 %}{% set n = 'b' * 300000 ~ 'a' %}"
                    + "{% for i in range(99) %}{{ s.strip(n) }}{% endfor %}",
                "{% set a = 'a' * 900000 ~ 'x' %}{% set b = 'a' * 900000 ~ 'x' %}{% set d = {a: 1} %}"
                    + "{% for i in range(99999) %}{{ d[b] }}{% endfor %}",
                "{{ '%999999999d' % 1 }}",
                "{{ 2 ** 2000000000 }}",
                "{{ 'a'|indent(999999999) * 99999999 }}",
                "{{ ([[1] * 999] * 999)|tojson(indent=64) }}",
                // Cheap for the source's author, dear for the machine.
                "{{ '%.0f' * 100000 % ((1e-300,) * 100000) }}",
                "{% set s = 'x' * 900000 %}{{ '%.0s' * 100000 % ((s,) * 100000) }}",
                "{{ ([1e-300] * 150000)|map('round')|list }}",
                "{{ ([1e-300] * 150000)|join }}",
                "{{ strftime_now('%d' * 400000) }}",
                "{{ strftime_now('%-d' * 300000) }}",
                "{% set s = 'a' * 900000 %}{% for i in range(99999) %}{% if s.count('') %}"
                    + "{% endif %}{% endfor %}",
                "{% set s = ' ' * 900000 %}{% for i in range(99999) %}{% if s|int %}"
                    + "{% endif %}{% endfor %}",
                "{% set s = '1' * 900000 %}{% for i in range(99999) %}{% if s|float %}"
                    + "{% endif %}{% endfor %}",
                "{% set r = range(99999) %}{% for i in range(99999) %}{% if r|sum %}"
                    + "{% endif %}{% endfor %}"));
    sources.add("{{ 1" + " + 1".repeat(5000) + " }}");
    sources.add("{{ 1" + "|string".repeat(5000) + " }}");
    sources.add("{{ 0" + " or 0".repeat(5000) + " }}");
    sources.add("{{ messages" + "[0:]".repeat(5000) + " }}");
    return sources;
  }

  @ParameterizedTest
  @MethodSource("boundless")
  void whatHasNoBoundIsStopped(String source) {
    assertThat(failureOf(source).kind()).isIn(Kind.LIMIT, Kind.EVALUATION);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      value = {
        "(;1;)",
        "[;1;]",
        "{1:;1;}",
        "`not `;1;``",
        "`- `;1;``",
        "f(;1;)",
        "a[;1;]",
        "`1 if 1 else `;1;``",
        "'a'|replace(;1;)",
      })
  void deepSourceIsASyntaxErrorAndNoStackOverflow(String open, String middle, String close) {
    for (int depth : new int[] {200, 20_000}) {
      String source = "{{ " + open.repeat(depth) + middle + close.repeat(depth) + " }}";
      assertThat(failureOf(source).kind()).as(open).isIn(Kind.SYNTAX, Kind.EVALUATION);
    }
    String shallow = "{{ " + open.repeat(20) + middle + close.repeat(20) + " }}";
    ChatTemplate.compile(shallow);
  }

  @ParameterizedTest
  @CsvSource({
    "{% if 1 %},{% endif %}",
    "{% for x in [1] %},{% endfor %}",
    "{% macro f() %},{% endmacro %}",
    "{% filter upper %},{% endfilter %}",
    "{% set x %},{% endset %}",
    "{% with %},{% endwith %}",
    "{% generation %},{% endgeneration %}",
    "{% call f() %},{% endcall %}",
  })
  void deepBlocksAreASyntaxErrorAndNoStackOverflow(String open, String close) {
    assertThat(failureOf(open.repeat(20_000) + close.repeat(20_000)).kind()).isEqualTo(Kind.SYNTAX);
    assertThat(failureOf(open.repeat(20_000)).kind()).isEqualTo(Kind.SYNTAX);
    ChatTemplate.compile(open.repeat(20) + close.repeat(20));
  }

  /** Lines of a source are counted once, not once for each tag. */
  @Test
  void aSourceOfOneLongLineIsReadInTimeThatGrowsWithItsLength() {
    String source = "{{1}}".repeat(200_000);
    assertThat(ChatTemplate.compile(source).render(MESSAGES, OPTIONS)).hasSize(200_000);
  }

  @Test
  void aTemplateOfAMillionCharactersIsRefused() {
    assertThat(failureOf("x".repeat(2_000_000)).kind()).isEqualTo(Kind.LIMIT);
    ChatTemplate.compile("x".repeat(1_000_000));
  }

  @Test
  void theDeepestThatRunsNeedsOnlyASmallStack() throws InterruptedException {
    String macro =
        "{% macro f(n) %}{% if n %}{% for x in [n] %}{{ f(x - 1) }}{% endfor %}{% endif %}"
            + "{% endmacro %}{{ f(9999) }}";
    List<Throwable> thrown = new ArrayList<>();
    Thread thread =
        new Thread(
            null,
            () -> {
              try {
                ChatTemplate.compile(macro).render(MESSAGES, OPTIONS);
              } catch (Throwable t) {
                thrown.add(t);
              }
            },
            "small stack",
            512 * 1024);
    thread.start();
    thread.join();
    assertThat(thrown).hasSize(1).first().isInstanceOf(TemplateException.class);
  }

  @Test
  void limitsGrowWithWhatTheMessagesBring() {
    String content = "word ".repeat(2_000_000);
    String text =
        ChatTemplate.compile(DefaultTemplate.CHATML.source())
            .render(List.of(new ChatMessage("user", content)), OPTIONS);
    assertThat(text).hasSize(content.length() + "<|im_start|>user\n<|im_end|>\n".length() + 22);
  }

  @Test
  void aRequestTheTemplateRefusesIsToldApartFromABrokenTemplate() {
    TemplateException refused = failureOf("\n{{ raise_exception('roles must ' ~ 'alternate') }}");
    assertThat(refused.kind()).isEqualTo(Kind.REQUEST);
    assertThat(refused.what()).isEqualTo("roles must alternate");
    assertThat(refused.line()).isEqualTo(2);

    TemplateException broken = failureOf("line\n\n{{ 1 + }}");
    assertThat(broken.kind()).isEqualTo(Kind.SYNTAX);
    assertThat(broken.line()).isEqualTo(3);
    assertThat(broken).hasMessageContaining("chat template line 3");

    assertThat(
            catchThrowableOfType(
                    TemplateException.class,
                    () ->
                        ChatTemplate.compile("x")
                            .render(List.of(new ChatMessage("root", "x")), OPTIONS))
                .kind())
        .isEqualTo(Kind.REQUEST);
  }

  @Test
  void wordsOfATemplateAreCut() {
    TemplateException failure = failureOf("{{ raise_exception('a' * 100000) }}");
    assertThat(failure.what()).hasSizeLessThan(1100);
    assertThat(failure.getMessage()).hasSizeLessThan(1400);
  }

  @Test
  void theDateIsTheRunsAndNotTheClocks() {
    assertThat(ChatTemplate.compile("{{ strftime_now('%Y-%m-%d') }}").render(MESSAGES, OPTIONS))
        .isEqualTo("2026-03-07");
  }
}
