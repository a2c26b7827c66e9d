"""The commands about whole solutions: `diagnose`, whose JSON is a contract (docs/diagnose.md), and `code`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.delivering import deliver
from tutor.cli.errors import UsageError
from tutor.cli.finding import number
from tutor.cli.showing import open_trace
from tutor.cli.streams import in_utf8
from tutor.text.language import N_, said, say
from tutor.text.output import escape, json_text, quote
from tutor.text.words import reason

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.engine.trace import Trace
    from tutor.solutions.files import Handed


def diagnose(args: Namespace) -> int:
    """Judge the arrays of a file: exit code 0 all right, 1 something is not, 2 nothing to judge."""
    from tutor.solutions.judging import diagnose as judge
    from tutor.solutions.words import as_json, as_text

    args.notation = None
    trace, _ = open_trace(args)
    example = _example(args.example, trace)
    handed = read_file(args.file)
    found = judge(trace, handed, example, _names(args.names, [array.name for array in handed]))
    if args.format == "json":
        in_utf8()
        print(json_text(as_json(found, trace), indent=2))
    else:
        for line in as_text(found):
            print(escape(line))
    if not found.order:
        return 2
    return 0 if found.right else 1


def read_file(path: str) -> list[Handed]:
    """The arrays of a file, "-" for standard input. Raises UsageError."""
    from tutor.lessonfiles.array_files import BadFile
    from tutor.solutions.files import read_arrays

    try:
        data = sys.stdin.buffer.read() if path == "-" else None
        return read_arrays(say("standard input") if path == "-" else path, data)
    except BadFile as error:
        raise UsageError(said(error)) from None
    except OSError as error:
        raise UsageError(say("cannot read {file}: {why}", file=quote(path[:80]), why=reason(error))) from None


def _example(text: str | None, trace: Trace) -> int | None:
    return None if text is None else number(text, "--example", trace.examples) - 1


def _names(path: str | None, there: list[str]) -> dict[str, str]:
    """The file of names: names of arrays -> ids of steps."""
    if path is None:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(say("cannot read {file}: {why}", file=quote(path[:80]), why=reason(error))) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(say("{file} is no JSON: {why}", file=quote(path[:80]), why=str(error)[:80])) from None
    if not isinstance(found, dict) or not all(isinstance(id, str) for id in found.values()):
        told, example = N_("{file} has to be an object of names: {example}"), '{"grad_hidden": "dL/dW1"}'
        raise UsageError(say(told, file=quote(path[:80]), example=example))
    if missing := [name for name in found if name not in there]:
        told = N_("{file} names {name}, which is not in the file")
        raise UsageError(say(told, file=quote(path[:80]), name=quote(missing[0][:60])))
    return found


def code(args: Namespace) -> int:
    """Write a program, or a notebook, that computes an iteration of a lesson by hand-written steps."""
    from tutor.solutions.program_lines import NoProgram
    from tutor.solutions.program_text import notebook, program_text

    args.notation = None
    trace, _ = open_trace(args)
    try:
        if args.to == "notebook":
            text = json.dumps(notebook(trace), ensure_ascii=False, indent=1) + "\n"
        else:
            text = program_text(trace, args.to)
    except NoProgram as error:
        told = N_("'{lesson}' cannot be written as a program: {why}")
        raise UsageError(say(told, lesson=args.lesson[:60], why=said(error))) from None
    return deliver(text.encode(), args.output)
