"""A paper: the whole pass of a lesson as an empty table, filled in in any order, and checked when the learner wants.

A `Sheet` is the empty table, a `Paper` a sheet as far as it is filled in. Neither changes: to fill in a cell gives
another paper. What is typed is kept as it was typed until it is read; a cell that begins with = is a calculator, in
which the lesson's numbers and what is filled in may be used, and nothing else: no value that the learner has not worked
out can be had from it. What is right is decided in `solutions`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import repeat
from types import MappingProxyType

import numpy as np

from tutor.engine.expressions import Ref, Symbol, at_example, evaluate, indices, refs
from tutor.engine.model import PHASES, Equation, Phase
from tutor.engine.trace import NoSuchStep, Step, Trace, find_local
from tutor.messages import Message
from tutor.play.settings import Refused
from tutor.questions.answers import MAX_ANSWER, read_answer
from tutor.questions.names import Names
from tutor.questions.tokens import NotUnderstood
from tutor.solutions.cells import BAD, WORTH, CellKind
from tutor.solutions.files import Handed, fineness
from tutor.solutions.judging import ArrayVerdict, Diagnosis, diagnose_values
from tutor.text.conventions import conventions, plan
from tutor.text.language import N_, say, say_many
from tutor.text.layout import linear
from tutor.text.writer import Writer

MOST_CELLS = 1000  # of a paper: nobody fills in more by hand
DIGITS = 6  # significant ones that the calculator writes into a cell
_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE)
BLANK: CellKind = "blank"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Box:
    """An array to fill in; of what each example has its own that of one `example`. `cells` are its ids, row by row."""

    equation: Equation
    example: int | None
    cells: tuple[str, ...]

    @property
    def ref(self) -> Ref:
        """The whole array."""
        return Ref(self.equation.symbol, None, self.example)

    @property
    def phase(self) -> Phase:
        """forward, loss, backward or update."""
        return self.equation.phase

    def rows(self, most: int) -> list[tuple[str, ...]]:
        """The cells in lines of at most `most`: a line for each row of the array, or several."""
        wide = (self.equation.symbol.shape or (1,))[-1]
        lines = [self.cells[at : at + wide] for at in range(0, len(self.cells), wide)]
        return [row[at : at + most] for row in lines for at in range(0, wide, most)]


@dataclass(frozen=True)
class Sheet:
    """What a paper asks for: every value of one iteration, its names in a notation.

    `example` (from 0) asks for one example's pass alone; None for all of a batch, and what becomes of them together.
    Raises Refused where there are more cells than anybody fills in.
    """

    trace: Trace
    notation: str
    example: int | None = None

    def __post_init__(self) -> None:
        one, batch = self.example is not None, self.trace.examples > 1
        if one and not batch:
            raise Refused(say("Here an update takes one example: there is no other to choose."))
        if self.example is not None and not 0 <= self.example < self.trace.examples:
            raise Refused(say("The batch has {n} examples: there is no other.", n=self.trace.examples))
        sizes = (
            math.prod(eq.symbol.shape) * (self.trace.examples if eq.symbol.per_example and not one else 1)
            for eq in self.trace.equations
            if (eq.symbol.per_example or not batch)
            if one or not eq.deferred
        )
        if (count := sum(sizes)) > MOST_CELLS:
            many = say(
                "This pass has {n} numbers to work out: a paper has {most} at most.",
                n=f"{count:,}", most=f"{MOST_CELLS:,}",
            )  # fmt: skip
            raise Refused(f"{many} {say('Choose one example of the batch.')}" if batch and not one else many)

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """The arrays in the order of computation."""
        found = []
        for eq in self.trace.equations:
            examples: tuple[int | None, ...] = (*range(self.trace.examples),) if eq.symbol.per_example else (None,)
            if self.example is not None:
                examples = (self.example,) if eq.symbol.per_example else ()
            elif eq.deferred:
                examples = ()
            for example in examples:
                cells = tuple(Ref(eq.symbol, index, example).id for index in indices(eq.symbol.shape))
                found.append(Box(eq, example, cells))
        return tuple(sorted(found, key=lambda box: PHASES.index(box.phase)))

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The ids of all cells, in the order of the table."""
        return tuple(cell for box in self.boxes for cell in box.cells)

    @cached_property
    def box_of(self) -> Mapping[str, Box]:
        """The array of each cell."""
        return {cell: box for box in self.boxes for cell in box.cells}

    @cached_property
    def writer(self) -> Writer:
        """What writes names in the notation."""
        return Writer(self.trace.lesson, self.notation)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays in the notation."""
        return tuple(self.writer.text(box.ref) for box in self.boxes)

    def step(self, cell: str) -> Step:
        """The step of a cell, with its element and example."""
        box = self.box_of[cell]
        index = list(indices(box.equation.symbol.shape))[box.cells.index(cell)]
        return Step(self.trace, box.equation, index, box.example)

    def name(self, cell: str) -> str:
        """A cell's name in the notation."""
        return self.writer.text(self.step(cell).ref)

    @cached_property
    def given(self) -> tuple[Ref, ...]:
        """What the lesson gives: all that is used and made by no step, of the example that is asked."""
        found: dict[Ref, None] = {}
        for box in self.boxes:
            for ref in refs(box.equation.formula):
                if ref.symbol.key not in self.trace.program.by_key:
                    found[Ref(ref.symbol, None, self.example if ref.symbol.per_example else None)] = None
        return tuple(found)

    def find(self, id: str) -> tuple[str, ...]:
        """The cells that an id names: those of an array, or one. Raises NoSuchStep."""
        ref = self.trace.find(id, self.example or 0).ref
        for box in self.boxes:
            if box.equation.symbol == ref.symbol and box.example == ref.example:
                return box.cells if ref.index is None else (Ref(ref.symbol, ref.index, ref.example).id,)
        raise NoSuchStep(Message("'{id}' is not asked for on this paper", id=ref.id))

    def ids(self, symbol: Symbol) -> list[str]:
        """The ids of all numbers of a symbol; examples first, if each has its own."""
        each = range(self.trace.examples) if symbol.per_example else (None,)
        return [Ref(symbol, index, example).id for example in each for index in indices(symbol.shape)]

    @cached_property
    def mark(self) -> str:
        """What tells these numbers from others, whichever example is asked: of the steps, and of what is given."""
        here = self.trace
        used = {ref.symbol for eq in here.equations for ref in refs(eq.formula)}
        given = sorted((s for s in used if s.key not in here.program.by_key), key=lambda symbol: symbol.key)
        numbers = [(s.key, [f"{x:.10g}" for x in np.asarray(here.value(Ref(s))).ravel().tolist()]) for s in given]
        text = repr((numbers, here.iteration.number, [(eq.symbol.key, eq.rule_id) for eq in here.equations]))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Marks:
    """Marks that were got, of how many."""

    got: float
    of: int

    def __str__(self) -> str:
        return say("{got} of {all}", got=f"{self.got:g}", all=self.of)


@dataclass(frozen=True)
class Checked:
    """What was found in a paper as it was: each cell's kind by its id, the first wrong one, what to say of it."""

    entries: Mapping[str, str]
    kinds: Mapping[str, CellKind]
    diagnosis: Diagnosis
    first: str | None  # the id of the first wrong cell, in the order of computation
    headline: str
    marks: Mapping[Phase, Marks]
    unread: Mapping[str, str] = field(default_factory=lambda: _NOTHING)  # what says no number, and what would

    def of(self, box: Box) -> ArrayVerdict | None:
        """What was said of an array; None where nothing of it was filled in."""
        return _verdicts(self.diagnosis).get(box.equation.symbol.key)

    @property
    def total(self) -> Marks:
        """All marks together."""
        return Marks(sum(mark.got for mark in self.marks.values()), sum(mark.of for mark in self.marks.values()))


@dataclass(frozen=True)
class Paper:
    """A sheet as far as it is filled in: `entries` by the ids of their cells, as they were typed."""

    sheet: Sheet
    entries: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    checked: Checked | None = None

    @cached_property
    def blank(self) -> tuple[str, ...]:
        """The cells with nothing in them."""
        return tuple(cell for cell in self.sheet.cells if cell not in self.entries)

    # ------------------------------------------------------------ filling in

    def fill(self, cell: str, text: str) -> Paper:
        """With a text in a cell as it was typed; "" leaves it blank."""
        kept = {key: entry for key, entry in self.entries.items() if key != cell}
        return replace(self, entries=kept | ({cell: text.strip()[:MAX_ANSWER]} if text.strip() else {}))

    def settle(self, cell: str) -> Paper:
        """With the number that a cell says: computed, if it is a formula. Raises NotUnderstood."""
        text = self.entries.get(cell, "")
        return self if not text or is_number(text) else self.fill(cell, self.read(cell, text))

    def read(self, cell: str, text: str) -> str:
        """The number that a text says in a cell, as it is written; of a formula in `DIGITS` digits.

        Raises NotUnderstood.
        """
        plain = text.strip().replace("−", "-").replace("∞", "inf")
        if is_number(plain) and (plain[-1] != "f" or self.sheet.trace.program.model.arrays):
            return plain
        answer = read_answer(text.strip().lstrip("="), _Own(self, cell))
        if answer.digits is None:
            return f"{answer.value:.{DIGITS}g}"
        return f"{answer.value:.{max(answer.digits - 1, 0)}e}"

    def compute(self, text: str) -> float:
        """What a formula comes to. Raises NotUnderstood."""
        return read_answer(text.strip().lstrip("="), _Own(self, self.sheet.cells[-1])).value

    # ------------------------------------------------------------ what is there

    def values(self, symbol: Symbol) -> np.ndarray:
        """The numbers of a symbol as they are filled in, NaN in the blanks.

        Of the symbol's shape, the examples first where each has its own.
        """
        shape = ((self.sheet.trace.examples,) if symbol.per_example else ()) + symbol.shape
        return np.reshape([_number(self.entries.get(id, "")) for id in self.sheet.ids(symbol)], shape)

    def handed(self) -> list[tuple[Symbol, Handed]]:
        """The arrays as they are handed in, those of which anything is filled in."""
        found = []
        for symbol in dict.fromkeys(box.equation.symbol for box in self.sheet.boxes):
            values = self.values(symbol)
            if np.all(np.isnan(values)):
                continue
            texts = [self.entries.get(id, "") for id in self.sheet.ids(symbol)]
            written = [fineness(text) if _PLAIN.fullmatch(text) else (0, 0) for text in texts]
            halves = [0.5 * 10.0**-decimals if digits >= 3 else 0.0 for digits, decimals in written]
            array = Handed(
                symbol.key,
                values,
                digits=max(3, *(digits for digits, _ in written)),
                decimals=max(decimals for _, decimals in written),
                halves=np.reshape(halves, values.shape),
                missing=np.isnan(values),
            )
            found.append((symbol, array))
        return found

    def check(self) -> Paper:
        """With what is filled in judged, the rest left open."""
        paper, unread = self, {}
        for cell in self.sheet.cells:
            try:
                paper = paper.settle(cell)
            except NotUnderstood as error:
                unread[cell] = str(error)
        found = judged(self.sheet, diagnose_values(self.sheet.trace, paper.handed()))
        return replace(paper, checked=replace(found, entries=paper.entries, unread=unread))

    def kind(self, cell: str) -> CellKind | None:
        """What was said of a cell, as long as it is as it was; None where nothing was."""
        now = self.checked
        if now is None or self.entries.get(cell) != now.entries.get(cell) or now.kinds[cell] == "blank":
            return None
        return now.kinds[cell]


def judged(sheet: Sheet, diagnosis: Diagnosis) -> Checked:
    """What a diagnosis, cell by cell, says of each cell of a sheet, in one sentence, and in marks: a mark a number."""
    said = _verdicts(diagnosis)
    kinds: dict[str, CellKind] = {}
    marks: dict[Phase, Marks] = {}
    for box in sheet.boxes:
        verdict, many = said.get(box.equation.symbol.key), len(box.cells)
        begin = (box.example or 0) * many if verdict and len(verdict.cells) > many else 0
        found = verdict.cells[begin : begin + many] if verdict else tuple(repeat(BLANK, many))
        kinds |= dict(zip(box.cells, found, strict=True))
        before = marks.get(box.phase, Marks(0.0, 0))
        marks[box.phase] = Marks(before.got + sum(WORTH.get(kind, 0.0) for kind in found), before.of + many)
    order = {eq.symbol.key: at for at, eq in enumerate(sheet.trace.equations)}
    wrong = [cell for cell in sheet.cells if kinds[cell] in BAD]
    first = min(wrong, key=lambda cell: order[sheet.box_of[cell].equation.symbol.key], default=None)
    return Checked({}, kinds, diagnosis, first, _headline(sheet, kinds, said, first), marks)


def _headline(sheet: Sheet, kinds: Mapping[str, CellKind], said: Mapping[str, ArrayVerdict], first: str | None) -> str:
    """The one sentence that matters most."""
    filled = sum(kind != "blank" for kind in kinds.values())
    if not filled:
        return say("Nothing is filled in yet.")
    if first is None:
        rough, whole = sum(kind == "rough" for kind in kinds.values()), filled == len(sheet.cells)
        if not rough:
            return say("All of it is right." if whole else "Right so far.")
        told = (
            N_("All of it is right, but {n} of it too roughly to tell: give three digits.")
            if whole
            else N_("Right so far, but {n} of it too roughly to tell: give three digits.")
        )
        return say(told, n=rough)
    symbol = sheet.box_of[first].equation.symbol
    own = [kinds[cell] for box in sheet.boxes if box.equation.symbol == symbol for cell in box.cells]
    whole = len(own) > 1 and all(kind in BAD for kind in own)
    id, name = (symbol.id, sheet.writer.text(Ref(symbol))) if whole else (first, sheet.name(first))
    where = id if id == name else f"{name} ({id})"
    return say("The first that is wrong is {where}: {message}", where=where, message=said[symbol.key].message)


def _verdicts(diagnosis: Diagnosis) -> dict[str, ArrayVerdict]:
    """What was said of each symbol, by its key; of an array that was handed in twice the first time."""
    return {verdict.key: verdict for verdict in reversed(diagnosis.arrays) if verdict.cells}


def given(sheet: Sheet) -> list[tuple[str, Ref, str]]:
    """What the lesson gives: each name, with its id where that is another, what it is, and its numbers in a line."""
    found = []
    for ref in sheet.given:
        name = sheet.writer.text(ref)
        named = name if ref.id == name or ref.symbol.quantity == "hyper" else f"{name} ({ref.id})"
        found.append((named, ref, linear(sheet.writer.value(sheet.trace.value(ref), 6), 1000)))
    return found


def told(sheet: Sheet) -> tuple[str, ...]:
    """What one has to know beside the numbers: how the lesson goes, its loss, its update, and its conventions."""
    return tuple(dict.fromkeys((*plan(sheet.trace, sheet.notation), *conventions(sheet.trace, sheet.notation))))


def blanks(paper: Paper) -> str:
    """How many cells are blank, in words; "" where none is."""
    count = len(paper.blank)
    return say_many(count, "{n} cell is blank", "{n} cells are blank") if count else ""


def is_number(text: str) -> bool:
    """Whether a text is a number as it is kept in a cell."""
    return bool(_PLAIN.fullmatch(text) and math.isfinite(float(text))) or text in ("inf", "-inf")


def _number(text: str) -> float:
    return float(text) if is_number(text) else math.nan


class _Own(Names):
    """The names that a cell's formula may use: all of them, with the learner's own numbers for what is worked out."""

    def __init__(self, paper: Paper, cell: str):
        super().__init__(paper.sheet.step(cell), paper.sheet.writer)
        self.paper = paper
        self.later = set()
        self.known = dict(paper.sheet.trace.program.symbols)

    def look(self, ref: Ref) -> np.ndarray | float:
        """A given number, or what is filled in. Raises NotUnderstood where that is blank."""
        key, sheet = ref.symbol.key, self.paper.sheet
        eq = sheet.trace.program.by_key.get(key)
        if eq is None and key in sheet.trace.iteration.values:
            return super().look(ref)
        if eq is None or (eq.deferred and sheet.example is None):  # a local derivative, one example's own gradient
            eq = eq or find_local(sheet.trace.program, ref.symbol.id)
            assert eq is not None
            formula = eq.formula if ref.example is None else at_example(eq.formula, ref.example)
            value = np.broadcast_to(evaluate(formula, self.look), ref.symbol.shape)
        else:
            value = self.paper.values(ref.symbol)
            value = value[ref.example] if ref.example is not None and ref.symbol.per_example else value
        if ref.index:
            value = np.moveaxis(value, 0, -1)[ref.index] if ref.batched else value[ref.index]
        if np.any(np.isnan(value)):
            raise NotUnderstood(say("{name} is not filled in yet", name=ref.id))
        return value
