"""The catalogues of translations: what there is to translate, `tutor/text/languages/*.po` and `*.mo` up to date.

    make catalogue        or: python assets/catalogue.py

It looks for messages in the source (what is handed to `say`, `say_in`, `say_many`, `plural`, `Term` and `N_` of
tutor/text/language.py) and in the tables below, whose texts are translated where they are shown. Each .po keeps its
translations; a message that changed a little keeps its old one as `fuzzy`, which is not read until somebody looked at
it and took the word away. docs/translating.md is the guide.
"""

from __future__ import annotations

import ast
import difflib
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Formatter
from typing import get_args

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tutor" / "text" / "languages"
MARKERS = {"say", "say_in", "say_many", "plural", "Term", "N_", "DerivationLine", "Message"}
ALIKE = 0.8  # of a message that changed, how much is left of it
ARGPARSE = (  # what argparse itself says to somebody who types a command, by the names of its own catalogue
    "usage: ",
    "argument %(argument_name)s: %(message)s",
    "the following arguments are required: %s",
    "one of the arguments %s is required",
    "unrecognized arguments: %s",
    "invalid choice: %(value)r (choose from %(choices)s)",
    "not allowed with argument %s",
    "ignored explicit argument %r",
    "expected one argument",
    "expected at least one argument",
    "expected at most one argument",
    ("expected %s argument", "expected %s arguments"),
)

sys.path.insert(0, str(ROOT))


@dataclass(frozen=True)
class Message:
    """What is looked up: an English text, its plural where it counts, its context where a word has several meanings."""

    text: str
    plural: str = ""
    context: str = ""


@dataclass
class Entry:
    """A translation of a message: one text, or two where it counts; "" where there is none yet."""

    texts: tuple[str, ...]
    fuzzy: bool = False
    places: list[str] = field(default_factory=list)


def places_of(text: str) -> set[str]:
    """The names of the places in braces of a message; none where it is no template."""
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name}
    except ValueError:
        return set()


# ---------------------------------------------------------------- what there is to translate


def messages() -> dict[Message, list[str]]:
    """Every message with the files that have it, in the order of the source."""
    found: dict[Message, list[str]] = {}
    in_tables = tables()
    said = [(place, (*in_source(text), *in_tables.get(place, ()))) for place, text in _modules().items()]
    for place, there in (*said, *_templates().items()):
        for message in there:
            places = found.setdefault(message, [])
            if place not in places:
                places.append(place)
    return found


def _templates() -> dict[str, list[Message]]:
    """What pages and scripts say, by their place."""
    from tutor.text.templates import messages_in

    files = sorted(path for path in (ROOT / "assets").iterdir() if path.suffix in (".html", ".js"))
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in files}
    return {at: [Message(said, context=c) for c, said in messages_in(text)] for at, text in texts.items()}


@cache
def _modules() -> dict[str, str]:
    """The modules, by their place."""
    return {p.relative_to(ROOT).as_posix(): p.read_text("utf-8") for p in sorted((ROOT / "tutor").rglob("*.py"))}


_MARKED = re.compile(rf"\b(?:{'|'.join(sorted(MARKERS))}|Key|_in_lines)\(")


def in_source(text: str) -> Iterator[Message]:
    """The messages that are written in a module: the texts that are handed to one of the markers that it imports."""
    if not _MARKED.search(text):
        return
    tree = list(ast.walk(ast.parse(text)))
    imported = {}  # line mode has a `say` of its own
    for names in (node.names for node in tree if isinstance(node, ast.ImportFrom)):
        imported |= {name.asname or name.name: name.name for name in names}
    defined = {node.name: node.name for node in tree if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    calls = [node for node in tree if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = (imported | defined).get(node.func.id, "") if isinstance(node.func, ast.Name) else ""
        if name == "Key":  # a row of a table of keys: its label, its help, what line mode's help says
            said = [*node.args[3:5], *(word.value for word in node.keywords if word.arg in ("label", "help", "says"))]
            yield from (Message(text) for arg in said for text in _texts(arg) if text)
        elif name == "_in_lines":
            yield from map(Message, _texts(node.args[1]))
        elif name == "plural":
            ones = list(_texts(node.args[1]))
            manys = list(_texts(node.args[2])) if len(node.args) > 2 else [f"{one}s" for one in ones]
            yield from (Message(f"{{n}} {one}", f"{{n}} {many}") for one, many in zip(ones, manys, strict=True))
        elif name == "say_many" and len(node.args) > 2:
            for one, many in zip(_texts(node.args[1]), _texts(node.args[2]), strict=True):
                yield Message(one, many)
        elif name == "say_in" and len(node.args) > 1:
            yield from (Message(text, context=c) for c in _texts(node.args[0]) for text in _texts(node.args[1]))
        elif name in MARKERS - {"say_in", "say_many"}:
            yield from map(Message, _texts(node.args[0]))


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: a text, or one of several; none of a name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))


@cache
def terms() -> set[str]:
    """The nouns that a language may have forms of."""
    found = set()
    for text in _modules().values():
        for node in ast.walk(ast.parse(text)) if "Term(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Term":
                found |= set(_texts(node.args[0]))
    return found


def tables() -> dict[str, list[Message]]:
    """The messages of tables, by the file that has the table."""
    found: dict[str, list[Message]] = {}
    for place, context, texts in _tables():
        found.setdefault(f"tutor/{place}.py", []).extend(Message(text, context=context) for text in texts if text)
    found["tutor/cli/arguments.py"] = [*of_parsers(), *(Message(*[t] if isinstance(t, str) else t) for t in ARGPARSE)]
    return found


def of_parsers() -> list[Message]:
    """What the parser of the command line says, and that of each command; what argparse says itself is among it."""
    from tutor.cli.arguments import COMMANDS, parser
    from tutor.cli.commands import RUN

    found: dict[str, None] = {}

    def note(text: str) -> str:
        found[text] = None
        return text

    for word in (None, *COMMANDS):
        parser(RUN, word, note)
    return list(map(Message, found))


def _tables() -> Iterator[tuple[str, str, Iterable[str]]]:
    """(the file, the context, the texts)."""
    from tutor import confined
    from tutor.engine import activations, lesson, losses, model, optimizers
    from tutor.lab import advice, checking, exercises
    from tutor.learner import placement
    from tutor.lessonfiles import catalogue, scaffold, schema, synonyms
    from tutor.pictures.step import kinds
    from tutor.play import doctor, exam, settings
    from tutor.questions import grading, mastery
    from tutor.questions.kinds import direction
    from tutor.questions.misconceptions import MISCONCEPTIONS
    from tutor.solutions import cells, judging, program_lines
    from tutor.text import array_gates, array_whys, explanations, glossary, notations, to_html, writer

    rules = [*explanations.RULES.values(), *explanations.LINEAR.values(), explanations.GATE]
    rules += [array_whys._COPY, array_whys._ROW, array_whys._CELL, array_whys._OF_A_USE]
    told = [text for gate in explanations.GATES.values() for text in gate]
    told += [f"the {title.lower()}" for title, _, _ in explanations.GATES.values()]
    told += [f"the {array_whys._lower(title)}" for title, _, _ in explanations.GATES.values()]
    told += [*explanations.SAYS.values(), *(text for rule in rules for text in _of_rule(rule))]
    yield "text/explanations", "", told
    gates = array_gates.ARRAY_GATES.values()
    told = [text for gate in gates for text in (gate.title, gate.does, gate.back, gate.says) if isinstance(text, str)]
    yield "text/array_gates", "", [*told, *(f"the {array_whys._lower(gate.title)}" for gate in gates)]
    named = notations.NOTATIONS.values()
    yield "text/notations", "", [text for entry in named for text in (entry.title, entry.known_from, entry.order)]
    slips = MISCONCEPTIONS.values()
    yield "questions/misconceptions/__init__", "", [text for slip in slips for text in (slip.named, slip.mends)]
    yield "questions/mastery", "", [skill.name for skill in mastery.SKILLS.values()]
    yield "questions/kinds/direction", "direction", direction._WAYS
    units = {entry.unit for entry in catalogue.entries()} | {"Other lessons"}
    yield "lessonfiles/catalogue", "", sorted(units)
    yield "lessonfiles/positions", "severity", ("warning", "note")
    yield "lessonfiles/schema", "", _of_schema([schema.SCHEMA["properties"], schema.SCHEMA["allOf"]])
    yield "lessonfiles/synonyms", "", [said for _, said in synonyms.ELSEWHERE]
    yield "lessonfiles/scaffold", "", scaffold.TEXTS
    yield "confined", "", (confined.WHY, confined.NO_PROGRAM)
    yield "text/glossary", "term", [glossary._WRITTEN.get(term, term) for term in glossary.TERMS]
    yield "text/glossary", "", glossary.TERMS.values()
    yield "play/settings", "settings", settings.GROUPS
    yield "text/writer", "formula", (writer._CHOICE,)
    yield "pictures/step/kinds", "picture", kinds.KINDS
    illnesses = doctor.ILLNESSES.values()
    told = [text for illness in illnesses for text in (illness.name, illness.why, illness.cure)]
    yield "play/doctor", "", [*told, *(sign.said for illness in illnesses for sign in illness.signs)]
    yield "engine/openings", "", ("row", "column", "vector", "line")
    for exercise in exercises.EXERCISES.values():
        yield "lab/exercises/__init__", "", (exercise.title, exercise.aim, *exercise.hints)
        yield "lab/exercises/__init__", "", [text for slip in exercise.slips for text in (slip.title, slip.remedy)]
    yield "lab/checking", "", (checking.WHOLE.title, checking.WHOLE.remedy)
    told = [text for rows in (advice.ERRORS, advice.SYNTAX) for *_, text in rows]
    yield "lab/advice", "", [*told, *advice._ADVICE.values()]
    yield "questions/grading", "verdict", (*grading.VERDICTS, mastery.GIVEN_UP)
    yield "solutions/cells", "cell", get_args(cells.CellKind)
    yield "solutions/judging", "cell", [kind for kind in judging.VERDICTS if kind not in get_args(cells.CellKind)]
    yield "learner/placement", "", [question.ask for question in placement.table().values()]
    yield "play/exam", "cell", [exam.NOT_ALL]
    helpers = [*program_lines.HELPERS.values(), *program_lines.SLIDING.values()]
    yield "solutions/program_lines", "", [said for text in helpers for said in program_lines.COMMENT.findall(text)]
    yield "text/to_html", "spoken", to_html.SPOKEN
    yield "engine/model", "phase", model.PHASES
    yield "engine/lesson", "level", lesson.LEVELS
    yield "engine/lesson", "", lesson.BATCH_LOSSES
    yield "engine/losses", "", [loss.title for loss in losses.LOSSES.values()]
    yield "engine/optimizers", "", [optimizer.title for optimizer in optimizers.OPTIMIZERS.values()]
    yield "engine/activations", "activation", [name.replace("_", " ") for name in (*activations.ACTIVATIONS, "softmax")]


def _of_rule(rule: object) -> Iterator[str]:
    story = rule.story  # type: ignore[attr-defined]
    yield from (rule.title, rule.why, rule.element)  # type: ignore[attr-defined]
    if isinstance(story, str):
        yield story
    else:
        yield from (text for turn in story for text in (turn.speaker, turn.words, turn.passes))


def _of_schema(schema: object) -> Iterator[str]:
    """What messages call the values of a schema, and what they say of them."""
    if isinstance(schema, dict):
        if "type" in schema or "anyOf" in schema:
            yield from (schema[key] for key in ("title", "description") if isinstance(schema.get(key), str))
        yield from (text for part in schema.values() for text in _of_schema(part))
    elif isinstance(schema, list):
        yield from (text for part in schema for text in _of_schema(part))


# ---------------------------------------------------------------- the files


def read_po(text: str) -> dict[Message, Entry]:
    """The translations of a .po file."""
    found: dict[Message, Entry] = {}
    for block in re.split(r"\n\s*\n", text.strip()):
        parts: dict[str, str] = {}
        comments, key = [], ""
        for line in block.splitlines():
            if line.startswith("#"):
                comments.append(line)
                continue
            word, _, rest = line.partition(" ") if not line.startswith('"') else (key, "", line)
            key = word
            parts[key] = parts.get(key, "") + ast.literal_eval(rest)
        if parts.get("msgid"):
            message = Message(parts["msgid"], parts.get("msgid_plural", ""), parts.get("msgctxt", ""))
            texts = tuple(text for key, text in parts.items() if key.startswith("msgstr"))
            places = [line[3:] for line in comments if line.startswith("#: ")]
            found[message] = Entry(texts, any(line.startswith("#,") and "fuzzy" in line for line in comments), places)
    return found


def header(code: str) -> str:
    """What every catalogue begins with: its language, and how it counts."""
    return (
        f"Language: {code}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
        "Content-Transfer-Encoding: 8bit\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
    )


def as_po(code: str, entries: dict[Message, Entry]) -> str:
    """A .po file."""
    blocks = ['msgid ""\nmsgstr ' + _quoted(header(code))]
    for message, entry in entries.items():
        lines = [f"#: {place}" for place in entry.places] + ["#, fuzzy"] * entry.fuzzy
        lines += [f"msgctxt {_quoted(message.context)}"] if message.context else []
        lines.append(f"msgid {_quoted(message.text)}")
        if message.plural:
            lines.append(f"msgid_plural {_quoted(message.plural)}")
            lines += [f"msgstr[{at}] {_quoted(text)}" for at, text in enumerate(entry.texts)]
        else:
            lines.append(f"msgstr {_quoted(entry.texts[0])}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def as_mo(code: str, entries: dict[Message, Entry]) -> bytes:
    """A .mo file: what gettext reads."""
    pairs = {"": header(code)}
    for message, entry in entries.items():
        if all(entry.texts) and not entry.fuzzy:
            key = f"{message.context}\x04{message.text}" if message.context else message.text
            pairs[f"{key}\x00{message.plural}" if message.plural else key] = "\x00".join(entry.texts)
    keys = sorted(pairs, key=lambda key: key.encode("utf-8"))
    ids, texts = [key.encode("utf-8") for key in keys], [pairs[key].encode("utf-8") for key in keys]
    at = 28 + 16 * len(keys)
    tables, data = b"", b""
    for strings in (ids, texts):
        for string in strings:
            tables += struct.pack("<II", len(string), at + len(data))
            data += string + b"\x00"
    return struct.pack("<7I", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, 28 + 16 * len(keys)) + tables + data


def brought_up_to_date(old: dict[Message, Entry], now: dict[Message, list[str]]) -> dict[Message, Entry]:
    """Today's messages with the translations that there are; of a message that changed the old one, as fuzzy."""
    gone = {message.text: entry for message, entry in old.items() if message not in now}
    nouns = terms()
    found = {}
    for message, places in now.items():
        entry = old.get(message)
        if entry is None and (near := difflib.get_close_matches(message.text, gone, 1, ALIKE)) and not message.plural:
            entry = Entry(gone[near[0]].texts[:1], fuzzy=True)
        texts = entry.texts if entry else ("",) * (2 if message.plural else 1)
        found[message] = Entry(texts, bool(entry and entry.fuzzy), places)
        if message.text in nouns and not message.context:
            forms = (other for other in old if other.context and other.text == message.text and other not in now)
            found |= {form: Entry(old[form].texts, old[form].fuzzy, places) for form in forms}
    return found


def main() -> None:
    """Write all catalogues anew; say what each lacks."""
    now = messages()
    for path in sorted(FOLDER.glob("*.po")):
        entries = brought_up_to_date(read_po(path.read_text("utf-8")), now)
        path.write_text(as_po(path.stem, entries), "utf-8")
        path.with_suffix(".mo").write_bytes(as_mo(path.stem, entries))
        lacks = sum(entry.fuzzy or not all(entry.texts) for entry in entries.values())
        print(f"{path.name}: {len(entries)} messages, {lacks} of them without a translation that is read")


if __name__ == "__main__":
    main()
