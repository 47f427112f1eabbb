"""The prose linter: help texts, documents, pages and printed sentences hold none of the known faults of style.

A fault is a pattern that readers stumble over and that has few false alarms. Code blocks and code spans are left out.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from levit_mobile.cli import app
from levit_mobile.cli.examples import EXAMPLES
from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.recipe import Precision

ROOT = Path(__file__).parents[1]
THINGS = (
    "artifact|axis|block|bound|bundle|bundles?|call|case|channel|class|column|command|core|CPU|file|head|image|kernel|layer|line"
    "|picture|process|recipe|row|run|second|target|tensor|value|weight"
)
COUNTED = "bits?|column|file|float16|image|int4|int8|label|line|one|picture|process|row|scale|values?"

# Fault -> its pattern, and the words to use.
FAULTS: dict[str, tuple[str, str]] = {
    "space before %": (r"\d %", "95%"),
    "a for per": (rf"\b(?:{COUNTED}) an? (?:{THINGS})\b", "per"),
    "tell": (r"\b(?:tells?|told)\b(?! apart)", "report, print, identify"),
    "say": (r"\b(?:says?|said)\b", "report, print, state"),
    "is said": (r"\b(?:is|are|was|were) said\b", "report, print, state"),
    "held against": (r"\bheld (?:against|to)\b|\bholds? (?:it|them) against\b", "compared with, checked against"),
    "lie": (r"\b(?:lies?|lying)\b", "is, is located"),
    "stand": (r"\bstands?\b(?!-| for\b)", "is, is located"),
    "come to": (r"\bcomes? to\b", "equals, is"),
    "is no": (r"(?<![Tt]here )\b(?:is|are) no (?!longer\b|more\b)", "is not a"),
    "another than": (r"\b(?:another|other) \w+ than\b", "different from"),
    "fronted participle": (r"(?:^|[.;:|] +)[A-Z]\w+(?:ed|wn) (?:is|are) ", "subject first"),
    "what as subject": (
        r"(?:^|[.;:|] +)[Ww]hat (?!is inside)[^.?#|]{4,60}? (?:is|are|gives|goes|exits|becomes) ",
        "a noun as subject",
    ),
    "of without a noun": (r"(?:^|[.|] +)Of (?:all|an?|any|each|the|two)\b[^.,|]*(?:\.|$)", "name the thing"),
    "the very": (r"\bthe very\b", "the same"),
    "desk": (r"\b(?:a|on the|the) desk\b", "host"),
    "let pass": (r"\blet pass\b|\bgives? way to\b|\bwants? (?:at least|\d)", "accepted, replace, needs"),
    "wanted or had": (r"\bcan(?:not)? be had\b|\bto be had\b", "is available"),
    "pictures": (r"\bpictures?\b", "image"),
}
IN_DOCUMENTS = [name for name in FAULTS if name not in ("pictures", "say")]  # "the README says why" is plain English

# Fault -> texts in which its pattern is a false alarm, and why.
ALLOWED: dict[str, tuple[str, ...]] = {
    "pictures": ("--picture ",),  # an option's name, which stays
}


def faults(text: str, names: list[str]) -> list[str]:
    """Each fault with the words around it."""
    found = []
    for name in names:
        pattern, instead = FAULTS[name]
        for match in re.finditer(pattern, text, re.MULTILINE):
            around = text[max(0, match.start() - 30) : match.end() + 30].replace("\n", " ")
            if not any(allowed in around for allowed in ALLOWED.get(name, ())):
                found.append(f"{name}: ...{around}... ({instead})")
    return found


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return {"levit-mobile": group, **group.commands}


def parameters() -> Iterator[tuple[str, Any]]:
    for name, command in commands().items():
        yield from ((f"{name} {parameter.opts[0]}", parameter) for parameter in command.params)


PARAMETERS = dict(parameters())


# The linter itself


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("95 % of all", "space before %"),
        ("int8 a channel", "a for per"),
        ("one file a target", "a for per"),
        ("the table is told by ops", "tell"),
        ("A NOTE says so.", "say"),
        ("Few images are said.", "is said"),
        ("The bundle is held against the model.", "held against"),
        ("the folder lies below", "lie"),
        ("It stands in the table.", "stand"),
        ("the ratio comes to 2", "come to"),
        ("it is no file", "is no"),
        ("another class than before", "another than"),
        ("Drawn are sizes.", "fronted participle"),
        ("What a target cannot do is an error.", "what as subject"),
        ("Of the artifact.", "of without a noun"),
        ("what a desk could not run", "desk"),
        ("Share of its time that is let pass.", "let pass"),
        ("500 pictures", "pictures"),
    ],
)
def test_a_fault_is_found(text: str, name: str) -> None:
    assert [found.partition(":")[0] for found in faults(text, [name])] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "95% of all images; int8 per channel, one file per target.",
        "There is no bundle. It is no longer used, and no more than one is.",
        "Stand-ins for both runtimes; zero stands for the mean; they can be told apart.",
        "What is inside an artifact?",
        "Of the 64 images, two flip.",
        "The image given by --picture is 640x480.",
    ],
)
def test_plain_text_has_no_fault(text: str) -> None:
    assert faults(text, list(FAULTS)) == []


# Help


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_help_of_a_parameter_is_a_sentence_without_faults(name: str) -> None:
    text = str(PARAMETERS[name].help)
    assert text[0].isupper(), text
    assert text.endswith("."), text
    assert faults(text, list(FAULTS)) == []


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_help_of_a_parameter_shows_its_default(name: str) -> None:
    parameter = PARAMETERS[name]
    if parameter.required or getattr(parameter, "is_flag", False) or "default" in (parameter.rich_help_panel or ""):
        return
    if parameter.default is None:
        assert " Default: " in parameter.help, parameter.help
    else:
        assert parameter.show_default, name
        assert "Default:" not in parameter.help, parameter.help  # typer prints it


UNITS = {
    "db": "dB",
    "kl": "nats",
    "px": "pixels",
    "picture": "pixels",
    "ms": "ms",
    "percent": "percent",
    "growth": "percent",
    "slowdown": "10% slower",
    "agreement": "0 to 1",
    "accuracy": "0 to 1",
    "drop": "0 to 1",
    "cosine": "-1 to 1",
}


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name.rpartition("-")[2] in UNITS])
def test_the_help_of_a_parameter_names_its_unit(name: str) -> None:
    assert UNITS[name.rpartition("-")[2]] in PARAMETERS[name].help


def test_options_with_units_are_seen() -> None:
    assert {name.rpartition("-")[2] for name in PARAMETERS} >= {"db", "kl", "picture", "growth", "slowdown", "drop"}


@pytest.mark.parametrize(
    ("name", "choices"), [("convert --precision", list(Precision)), ("convert --variant", list(VARIANTS))]
)
def test_the_help_of_a_choice_lists_all(name: str, choices: list[str]) -> None:
    assert [choice for choice in choices if not re.search(rf"\b{choice}\b", PARAMETERS[name].help)] == []


@pytest.mark.parametrize("name", [name for name in commands() if name != "levit-mobile"])
def test_the_help_of_a_command_is_a_summary_a_paragraph_and_examples(name: str) -> None:
    command = commands()[name]
    summary, *rest = command.help.split("\n\n")
    assert re.fullmatch(r"[A-Z][^.]*[^ ]\.", summary.replace(".tflite", "")), summary
    assert len(summary) <= 100, summary
    assert len(rest) >= 1, command.help
    assert all(paragraph.endswith(".") and "\n" not in paragraph for paragraph in rest)
    assert faults(command.help, list(FAULTS)) == []
    assert command.epilog.startswith("Examples:\n\n")


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_is_understood(line: str) -> None:
    program, name, *words = shlex.split(line)
    assert program == "levit-mobile"
    context = commands()[name].make_context(name, words)
    assert context.params


def test_every_command_has_examples_of_itself() -> None:
    assert set(EXAMPLES) == set(commands()) - {"levit-mobile"}
    assert [name for name, lines in EXAMPLES.items() if not lines[0].startswith(f"levit-mobile {name}")] == []


# Documents and pages


def without_code(text: str) -> str:
    """Markdown without code blocks, code spans, links' addresses and pictures."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "X", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return re.sub(r"(?<=\S)\n(?=[a-z(])", " ", text)  # a paragraph is one line


READ = ("docs", "conversion", "training")  # folders with documents, beside the root


def documents() -> list[str]:
    """Every Markdown file that a reader is led to, relative to the root."""
    found = [*ROOT.glob("*.md"), *(path for name in READ for path in (ROOT / name).rglob("*.md"))]
    return sorted(path.relative_to(ROOT).as_posix() for path in found if "_build" not in path.parts)


@pytest.mark.parametrize("name", documents())
def test_a_document_has_no_fault(name: str) -> None:
    assert faults(without_code((ROOT / name).read_text(encoding="utf-8")), IN_DOCUMENTS) == []


def words_of_template(text: str) -> str:
    """A page's text, without tags, style, and what jinja computes."""
    text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}", "X", text, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "\n", text)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "levit_mobile" / "reporting" / "pages").glob("*.html.j2")), ids=lambda path: path.name
)
def test_a_page_has_no_fault(path: Path) -> None:
    assert faults(words_of_template(path.read_text(encoding="utf-8")), list(FAULTS)) == []


# Sentences in the code of reports and of the command line


def sentences(tree: ast.Module) -> Iterator[str]:
    """String literals with several words, docstrings left out; a computed part is X."""
    nodes = list(ast.walk(tree))
    documented = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    whole = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for node in whole for part in ast.walk(node) if part is not node}
    for node in nodes:
        if id(node) in documented | inside:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def test_sentences_are_found_in_code() -> None:
    code = 'def f(n):\n    """Is told."""\n    a = "two words"\n    b = "one"\n    return f"{n:.1f} images"'
    assert list(sentences(ast.parse(code))) == ["two words", "X images"]


PRINTING = [path for room in ("reporting", "cli") for path in sorted((ROOT / "levit_mobile" / room).rglob("*.py"))]


@pytest.mark.parametrize("path", PRINTING, ids=lambda path: path.relative_to(ROOT / "levit_mobile").as_posix())
def test_printed_sentences_have_no_fault(path: Path) -> None:
    found = sentences(ast.parse(path.read_text(encoding="utf-8")))
    assert [fault for sentence in found for fault in faults(sentence, list(FAULTS))] == []
