"""Renders our conversations with Jinja2 itself, set up as Hugging Face transformers sets it up.

usage: make_template_goldens.py SHARED_TEMPLATES_FOLDER RESOURCES_FOLDER    (needs jinja2 3.1)

Templates are those of llama.cpp/*.jinja and of rendered-goldens/templates.jsonl; they stay outside the project. The output holds
the conversations and, per template and case (the conversation's name, "+prompt" with a generation prompt), one of: the number of the
rendered text in "texts"; the message the template raised; the type of the error it ended in. "snippets" holds the lines of
jinja2-snippets.txt (a JSON string each) beside what becomes of them. "rendered_goldens" names the cases of rendered-goldens, made by
templates of another language, that Jinja2 renders to the same text.
"""

import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.sandbox

DATE = datetime.datetime(2026, 3, 7)

CONVERSATIONS = {
    "user": [("user", "Hello, how are you?")],
    "system-user": [
        ("system", "You are a helpful assistant."),
        ("user", "  What is 2 + 2?\n\n"),
    ],
    "multi": [
        ("user", "Hello, how are you?"),
        ("assistant", "I'm doing great. How can I help you today?"),
        ("user", "I'd like to show off how chat templating works!"),
    ],
    "system-multi": [
        ("system", "You are a helpful assistant."),
        ("user", "Hello, how are you?"),
        ("assistant", "<think>\nThey greet.\n</think>\n\nI'm doing great."),
        ("user", 'Quote "this" & <that>, Zoë: naïve 日本 \U0001f600\ttab'),
        ("assistant", "Done. \n"),
        ("user", "Thanks</think>\n"),
    ],
    "developer-user": [("developer", "Answer in French."), ("user", "Good morning")],
    "tool": [
        ("system", "Use tools."),
        ("user", "What is the weather in Paris?"),
        ("assistant", "I shall look."),
        ("tool", '{"temperature": 21.5}'),
        ("user", "And in Rome?"),
    ],
    "assistant-last": [("user", "Count to three."), ("assistant", "One, two,")],
    "two-users": [("user", "First."), ("user", "Second.")],
    "empty": [("system", ""), ("user", "")],
    "system-only": [("system", "You are terse.")],
    "none": [],
}


class GenerationTag(jinja2.ext.Extension):
    """{% generation %} marks the assistant's text for training; rendering passes it through."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)


class Raised(Exception):
    pass


def raise_exception(message):
    raise Raised(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = DATE.strftime
    return env


# Without a generation prompt only these are kept, for the size of the output.
BOTH_WAYS = {"multi", "system-multi", "assistant-last"}


def render(source, messages, add_generation_prompt, bos_token="<s>"):
    try:
        text = environment().from_string(source).render(
            messages=[{"role": r, "content": c} for r, c in messages],
            tools=None,
            documents=None,
            bos_token=bos_token,
            eos_token="</s>",
            add_generation_prompt=add_generation_prompt,
        )
        return {"text": text}
    except Raised as e:
        return {"raised": str(e)}
    except Exception as e:  # whatever else the template does to itself
        return {"error": type(e).__name__}


def sources(folder):
    for path in sorted(folder.glob("llama.cpp/*.jinja")):
        yield path.name, path.read_text(encoding="utf-8")
    for number, line in enumerate((folder / "rendered-goldens/templates.jsonl").read_text().splitlines(), 1):
        for name, source in json.loads(line).items():
            yield f"templates.jsonl:{number}:{name}", source


USER, ANSWER, USER_2 = (m[1] for m in CONVERSATIONS["multi"])
RENDERED = {
    "user": [("user", USER)],
    "user-assistant-user": CONVERSATIONS["multi"],
    "system-user-assistant-user": [("system", "You are a helpful assistant.")] + CONVERSATIONS["multi"],
}


def equal_to_rendered(folder, name, source):
    golden = folder / "rendered-goldens" / (name.split(":")[-1] + ".gotmpl")
    return [
        case
        for case, messages in RENDERED.items()
        if (golden / case).exists() and render(source, messages, True, "").get("text") == (golden / case).read_text()
    ]


def snippets(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        source = json.loads(line)
        yield {"source": source} | render(source, CONVERSATIONS["system-multi"], True)


def main(folder, out):
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    goldens = {}
    texts = {}
    for name, source in sources(folder):
        cases = goldens[name] = {}
        for conversation, messages in CONVERSATIONS.items():
            for prompt in (False, True) if conversation in BOTH_WAYS else (True,):
                result = render(source, messages, prompt)
                if "text" in result:
                    result = texts.setdefault(result["text"], len(texts))
                cases[f"{conversation}{'+prompt' if prompt else ''}"] = result
    conversations = {k: [{"role": r, "content": c} for r, c in v] for k, v in CONVERSATIONS.items()}
    rendered = {n: equal_to_rendered(folder, n, s) for n, s in sources(folder) if n.startswith("templates.jsonl")}
    document = {
        "date": DATE.date().isoformat(),
        "conversations": conversations,
        "rendered_goldens": rendered,
        "texts": list(texts),
        "goldens": goldens,
        "snippets": list(snippets(out / "jinja2-snippets.txt")),
    }
    text = json.dumps(document, ensure_ascii=False, indent=0)
    (out / "jinja2-goldens.json").write_text(text + "\n", encoding="utf-8")


main(*sys.argv[1:])
