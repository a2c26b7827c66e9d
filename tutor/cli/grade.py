"""The command `grade`: one answer, without a screen; its JSON is a contract (docs/grading.md)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tutor.cli.arguments import UsageError
from tutor.cli.showing import open_trace
from tutor.cli.streams import in_utf8
from tutor.text.output import json_text

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.engine.trace import Step, Trace
    from tutor.questions.items import Item
    from tutor.text.writer import Writer


def grade(args: Namespace) -> int:
    """Grade one answer to one step, as text or JSON (docs/grading.md); 1 if it is wrong."""
    from tutor.engine.trace import NoSuchStep
    from tutor.questions.diagnosis import compare, marked
    from tutor.questions.items import as_json
    from tutor.questions.question import shown_value
    from tutor.text.writer import Writer

    trace, notation = open_trace(args)
    try:
        item = _graded_item(args.step, trace, Writer(trace.lesson, notation))
        own = dict(_given(text, trace) for text in args.given)
    except NoSuchStep as error:
        raise UsageError(str(error)) from None
    verdict, question = item.grade(args.answer, own), item.question
    if args.format == "json":
        in_utf8()
        print(json_text(as_json(item, verdict, args.step.strip()), indent=2))
    else:
        print(f"{verdict.kind}: {verdict.message}")
        if question and verdict.slips:
            beside = compare(question, verdict.slips[0])
            print(f"  yours: {beside.name} = {marked(beside.wrong)}")
            print(f"  right: {beside.name} = {marked(beside.right)}")
        if not verdict.correct and verdict.kind != "not-understood":
            if question:
                print(f"  {question.writer.text(question.step.ref)} = {shown_value(question)}")
            else:
                whole = item.kind == "matrix" and not item.by_author
                print(f"  {item.hints[-1]}" if whole else f"  It is {item.answer}.")
    return 0 if verdict.kind in ("correct", "rounded") else 1


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
            many = f"{len(questions)} questions of its author's" if questions else "no question of its author's"
            raise UsageError(f"there is no question {asked.strip()}: this lesson has {many}")
        item = author_item(question, trace, writer, random.Random(0))
        if item is None or (item.choices and not question.choices):
            raise UsageError(f"question {asked.strip()} draws its choices anew each time: only a quiz can put it")
        return item
    step = trace.find(asked)
    if step.shape and (count := math.prod(step.shape)) > 1:
        if count > MAX_CELLS:
            raise UsageError(
                f"'{asked}' has {count:,} values, {MAX_CELLS} are the most: name one, such as {asked}{_first(step)}, "
                "or give the whole in a file to 'backprop-tutor diagnose'"
            )
        return item_of_cells(step.at(None), writer, DIGITS)
    return graded_item(step if step.index is not None else step.at((0,) * len(step.shape)), writer)


def _first(step: Step) -> str:
    return "[" + ",".join("1" for _ in step.shape) + "]"


def _given(text: str, trace: Trace) -> tuple[str, float]:
    """A learner's own earlier value, 'dL/dz2[1]=0.5'. Raises UsageError, NoSuchStep."""
    id, _, value = text.rpartition("=")
    try:
        number = float(value.replace("−", "-"))
    except ValueError:
        number = math.nan
    if not id or not math.isfinite(number):
        raise UsageError(f"--given takes STEP=VALUE, such as dL/dz2[1]=0.537, not '{text[:60]}'")
    return trace.find(id.strip()).id, number
