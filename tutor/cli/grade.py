"""The command `grade`: one answer, without a screen; its JSON is a contract (docs/grading.md)."""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.cli.showing import open_trace
from tutor.cli.streams import in_utf8
from tutor.text.language import N_, said, say, say_in
from tutor.text.output import escape, json_text, quote
from tutor.text.words import reason

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from tutor.engine.trace import Trace
    from tutor.questions.items import Item
    from tutor.text.writer import Writer


def grade(args: Namespace) -> int:
    """Grade one answer to one step, as text or JSON (docs/grading.md); 1 if it is wrong."""
    from tutor.engine.trace import NoSuchStep
    from tutor.questions.diagnosis import compare, marked
    from tutor.questions.items import as_json
    from tutor.questions.question import shown_value
    from tutor.text.writer import Writer

    if args.answers is not None and args.step is not None:
        raise UsageError(say("--answers FILE has the questions and the answers: leave out STEP and ANSWER"))
    if args.answers is None and args.format == "csv":
        raise UsageError(say("--format csv goes with --answers FILE"))
    trace, notation = open_trace(args)
    if args.answers is not None:
        return _grade_all(args, trace, Writer(trace.lesson, notation))
    try:
        item = _graded_item(args.step, trace, Writer(trace.lesson, notation))
        own = dict(_given(text, trace) for text in args.given)
    except NoSuchStep as error:
        raise UsageError(said(error)) from None
    verdict, question = item.grade(args.answer, own), item.question
    if args.format == "json":
        in_utf8()
        print(json_text(as_json(item, verdict, args.step.strip()), indent=2))
    else:
        print(f"{say_in('verdict', verdict.kind)}: {verdict.message}")
        if question and verdict.slips:
            beside = compare(question, verdict.slips[0])
            heads = f"{say_in('answer', 'yours')}:", f"{say_in('answer', 'right')}:"
            for head, value in zip(heads, (beside.wrong, beside.right), strict=True):
                print(f"  {head:{max(map(len, heads))}} {beside.name} = {marked(value)}")
        if not verdict.correct and verdict.kind != "not-understood":
            if question:
                print(f"  {question.writer.text(question.step.ref)} = {shown_value(question)}")
            else:
                whole = item.kind == "matrix" and not item.by_author
                print("  " + (item.hints[-1] if whole else say("It is {answer}.", answer=item.answer)))
    return 0 if verdict.kind in ("correct", "rounded") else 1


def _grade_all(args: Namespace, trace: Trace, writer: Writer) -> int:
    """Grade the rows of a file; 1 if any is wrong, 2 if one cannot be graded, which is said with its line."""
    from tutor.engine.trace import NoSuchStep
    from tutor.learner.classroom import table

    items: dict[str, Item] = {}
    rows: list[dict[str, object]] = []
    faults = 0
    for line, who, asked, answer in _read_answers(args.answers):
        try:
            item = items.get(asked) or items.setdefault(asked, _graded_item(asked, trace, writer))
        except (NoSuchStep, UsageError) as error:
            print(f"{quote(args.answers[:80])}:{line}: {escape(said(error))}", file=sys.stderr)
            faults += 1
            continue
        verdict = item.grade(answer)
        rows.append(
            {
                "who": who,
                "question": asked,
                "answer": answer,
                "verdict": verdict.kind,
                "right": verdict.kind in ("correct", "rounded"),
                "credit": verdict.credit if verdict.credit is not None else float(verdict.correct),
                "misconception": verdict.misconception,
                "message": verdict.message,
            }
        )
    if args.format == "json":
        in_utf8()
        print(json_text(rows, indent=2))
    elif args.format == "csv":
        in_utf8()
        print(table(rows), end="")
    else:
        for row in rows:
            kind = say_in("verdict", str(row["verdict"]))
            print(escape(f"{row['who']}  {row['question']}  {row['answer']}: {kind}: {row['message']}"))
        print(say("{right} of {all} right.", right=sum(bool(row["right"]) for row in rows), all=len(rows)))
    return 2 if faults else 0 if all(row["right"] for row in rows) else 1


def _read_answers(path: str) -> Iterator[tuple[int, str, str, str]]:
    """The line, who, question and answer of each row of a CSV file, with or without a head. Raises UsageError."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        why = reason(error) if isinstance(error, OSError) else say("it is not in UTF-8")
        raise UsageError(say("cannot read {file}: {why}", file=quote(path[:80]), why=why)) from None
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    order, first = [0, 1, 2], True
    for line, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
        cells = _rejoined([cell.strip() for cell in row], delimiter)
        if not any(cells):
            continue
        named = [cell.casefold() for cell in cells]
        if first and {"who", "question", "answer"} <= set(named):
            order, first = [named.index(name) for name in ("who", "question", "answer")], False
            continue
        first = False
        if len(cells) <= max(order):
            told = N_("{file}:{line}: a row is who, question, answer, and this has {n}")
            raise UsageError(say(told, file=quote(path[:80]), line=line, n=len(cells)))
        who, asked, answer = (cells[at] for at in order)
        if delimiter == ";" and re.fullmatch(r"[-−+]?[0-9]+,[0-9]+", answer):
            answer = answer.replace(",", ".")  # where columns are parted by semicolons, a comma is the decimal point
        yield line, who, asked, answer


def _rejoined(cells: list[str], delimiter: str) -> list[str]:
    """The cells, those put together again that were parted within brackets: dL/dW2[1,2] needs no quotes."""
    found: list[str] = []
    for cell in cells:
        if found and found[-1].count("[") > found[-1].count("]"):
            found[-1] += delimiter + cell
        else:
            found.append(cell)
    return found


def _graded_item(asked: str, trace: Trace, writer: Writer) -> Item:
    """What is graded: a step by its id, one element or the whole, or an author's question by its number in the file."""
    import random

    from tutor.questions.authored import author_item, graded_item
    from tutor.questions.items import MAX_CELLS, item_of_cells
    from tutor.questions.question import DIGITS

    if asked.strip().isascii() and asked.strip().isdigit():
        questions = trace.lesson.questions
        question = next((question for question in questions if question.at + 1 == int(asked)), None)
        if question is None:
            told = N_("there is no question {number}: this lesson has no question of its author's")
            if questions:
                told = N_("there is no question {number}: this lesson has {n} questions of its author's")
            raise UsageError(say(told, number=asked.strip(), n=len(questions)))
        item = author_item(question, trace, writer, random.Random(0))
        if item is None or (item.choices and not question.choices):
            told = N_("question {number} draws its choices anew each time: only a quiz can put it")
            raise UsageError(say(told, number=asked.strip()))
        return item
    step = trace.find(asked)
    if step.shape and (count := math.prod(step.shape)) > 1:
        if count > MAX_CELLS:
            told = N_(
                "'{step}' has {n} values, {most} are the most: name one, such as {first}, "
                "or give the whole in a file to 'backprop-tutor diagnose'"
            )
            first = f"{asked}[{','.join('1' for _ in step.shape)}]"
            raise UsageError(say(told, step=asked, n=f"{count:,}", most=MAX_CELLS, first=first))
        return item_of_cells(step.at(None), writer, DIGITS)
    return graded_item(step if step.index is not None else step.at((0,) * len(step.shape)), writer)


def _given(text: str, trace: Trace) -> tuple[str, float]:
    """A learner's own earlier value, 'dL/dz2[1]=0.5'. Raises UsageError, NoSuchStep."""
    id, _, value = text.rpartition("=")
    try:
        number = float(value.replace("−", "-"))
    except ValueError:
        number = math.nan
    if not id or not math.isfinite(number):
        raise UsageError(say("--given takes STEP=VALUE, such as dL/dz2[1]=0.537, not '{given}'", given=text[:60]))
    return trace.find(id.strip()).id, number
