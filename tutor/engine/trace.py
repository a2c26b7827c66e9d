"""A trace: the steps of one iteration, each an equation with its numbers.

Step ids are the stable names that lesson files, tests and exports use, whatever the notation:
a symbol (`dL/dW2`), optionally one element (`dL/dW2[1,2]`: row = to, column = from, from 1) and
one example of the batch (`dL/dW2[1,2]@3`). Local derivatives (`da2/dz2`, `dz2/dW2`) have ids too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tutor.engine.activations import ACTIVATIONS, prime_of
from tutor.engine.array_functions import shape_text
from tutor.engine.expressions import (
    EXACT,
    Call,
    Expr,
    Ref,
    Symbol,
    at_example,
    element,
    evaluate,
    indices,
    refs,
    rewrite,
    used,
    walk,
)
from tutor.engine.floats import QUIET, quietly
from tutor.engine.ids import StepId, example_of, names_no_place, read_derivative, read_id, updated
from tutor.engine.lesson import Lesson, Level
from tutor.engine.local import local_derivative
from tutor.engine.meant import meant_id
from tutor.engine.memo import Memo
from tutor.engine.model import Equation, Phase
from tutor.engine.parsing import nearest, suggestion
from tutor.engine.program import Program
from tutor.engine.run import Iteration, Run
from tutor.messages import Message, quoted

MOST_KEPT = 10_000  # steps whose digits a trace keeps: of a large network there are millions

class NoSuchStep(ValueError):
    """An id that names no step of this lesson; str() says why and what is near."""


@dataclass(frozen=True)
class Step:
    """One step: an equation, or (`index` set, () for a scalar) one element of it, for one example.

    `formula` is in terms of that element and example; `value` a float or an array of `shape`.
    """

    trace: Trace
    equation: Equation
    index: tuple[int, ...] | None = None
    example: int | None = None

    @property
    def ref(self) -> Ref:
        """The step as a reference: its symbol, element and example."""
        return Ref(self.equation.symbol, self.index, self.example)

    @property
    def id(self) -> str:
        """Its id: dL/dW1[2,1]@3."""
        return self.ref.id

    @property
    def phase(self) -> Phase:
        """forward, loss, backward or update."""
        return self.equation.phase

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the value: () of one element."""
        return self.ref.shape

    @cached_property
    def formula(self) -> Expr:
        """What the value is made by, of one element the element's own formula."""
        return self.specialise(self.equation.formula)

    @cached_property
    def value(self) -> Any:
        """A float, or a float64 array of the step's shape."""
        return self.trace.value(self.ref)

    @cached_property
    def operands(self) -> list[Ref]:
        """The values that the formula uses, each once, in order of appearance; of a mean every example's."""
        examples = range(self.trace.examples)
        return [
            Ref(ref.symbol, ref.index, e) if ref.batched else ref
            for ref in used(self.formula)
            for e in (examples if ref.batched else (None,))
        ]

    def specialise(self, formula: Expr) -> Expr:
        """A formula of this equation, for this step's example and element."""
        if self.example is not None:
            formula = at_example(formula, self.example)
        return formula if self.index is None else element(formula, self.index)

    def at(self, index: tuple[int, ...] | None) -> Step:
        """The step of another element (None: of the whole)."""
        return replace(self, index=index)

    @cached_property
    def digits(self) -> int:
        """With how many significant digits to show the operands, so that computing with them gives the value.

        At least 4; more where rounding would show, as in 1 − 0.99998. The value itself is shown with 4.
        """
        if len(self.operands) > 64:
            return 4
        known, ref = self.trace.memo.of(_Digits), self.ref
        if ref not in known:
            if len(known) >= MOST_KEPT:
                known.clear()
            known[ref] = digits_for(self.formula, self.value, self.trace.value)
        return known[ref]


class _Digits(dict[Ref, int]):
    """The digits of a trace's steps, which are made anew wherever one looks at them."""


def digits_for(formula: Expr, true: np.ndarray | float, value: Callable[[Ref], np.ndarray | float]) -> int:
    """With how many digits to show a formula's operands, so that computing with what is shown reads as `true`."""
    true = np.asarray(true, dtype=float)
    if true.size > 256 or not np.isfinite(true).all():
        return 4
    # As it is written: 0/0 on the screen says nothing, even where the engine knows better.
    written = rewrite(formula, lambda node: _divided(node) if isinstance(node, Call) else None)

    most = _most_off(true, 4)

    def right(digits: int) -> np.ndarray:
        """Which elements come out right; never what is undefined."""
        return _within(evaluate(written, lambda ref: as_shown(value(ref), digits)), true, most)

    if right(4).all():
        return 4
    possible = right(12)  # an element that no digits do for is no reason to round the others
    return next(digits for digits in range(4, 13) if (right(digits) | ~possible).all())


def _divided(node: Call) -> Expr | None:
    plain = {"ratio": "div", "times": "mul"}.get(node.op)
    return Call(plain, node.args) if plain else None


@dataclass(frozen=True)
class Trace:
    """All numbers of one iteration of a lesson."""

    lesson: Lesson
    iteration: Iteration

    @cached_property
    def memo(self) -> Memo:
        """What others keep about these numbers: tables of slips, bounds of rounding."""
        return Memo()

    @property
    def program(self) -> Program:
        """The equations of the iteration."""
        return self.iteration.program

    @property
    def equations(self) -> tuple[Equation, ...]:
        """All equations, in order of evaluation."""
        return self.program.equations

    @property
    def examples(self) -> int:
        """How many examples the batch has; 1 where symbols have no example axis."""
        return self.program.examples

    def value(self, ref: Ref) -> np.ndarray | float:
        """The value of a symbol, or of one element or example of it; float64."""
        key = ref.symbol.key
        if key in self.iteration.values:
            value = _part(ref, np.asarray(self.iteration.values[key]))
        else:  # a deferred gradient or a local derivative: its formula, here and now
            eq = self.program.by_key.get(key) or find_local(self.program, ref.symbol.id)
            assert eq is not None, key
            formula = eq.formula if ref.example is None else at_example(eq.formula, ref.example)
            axes = (self.examples,) if ref.batched else ()
            value = np.broadcast_to(evaluate(formula, self.value, self._noise), axes + ref.symbol.shape)
            value = value[ref.index] if ref.index else value
        return float(value) if np.ndim(value) == 0 else value

    @cached_property
    def _noise(self) -> Callable[[Ref], np.ndarray | None]:
        """How far rounding may have carried a value, as `evaluate` asks for it."""
        whole = self.program.noise(self.iteration.values)

        def noise(ref: Ref) -> np.ndarray | None:
            found = whole(ref)
            return None if found is None else _part(ref, found)

        return noise

    def steps(self, level: Level = "matrix") -> Iterator[Step]:
        """Every step in order: an equation each, or at level "scalar" an element each; examples @1 ... @n first."""
        for eq in self.equations:
            for example in range(self.examples) if eq.symbol.per_example else (None,):
                step = Step(self, eq, None, example)
                if level == "scalar":
                    yield from (step.at(index) for index in indices(eq.symbol.shape))
                else:
                    yield step

    def find(self, id: str, example: int = 0) -> Step:
        """The step of an id. Where it belongs to each example and names none: that of `example` (from 0).

        Raises NoSuchStep.
        """
        eq, index, named = resolve(self.program, id)
        if eq.symbol.per_example:
            return Step(self, eq, index, example if named is None else named)
        return Step(self, eq, index)

    def maker(self, ref: Ref) -> Step | None:
        """The step that made a value; None for what the lesson gives (parameters, data, settings)."""
        eq = self.program.by_key.get(ref.symbol.key)
        return Step(self, eq, ref.index, ref.example) if eq else None


def _part(ref: Ref, whole: np.ndarray) -> np.ndarray:
    """What a reference means of its symbol's whole array: of one example, of one element."""
    if ref.example is not None and ref.symbol.per_example:
        whole = whole[ref.example]
    return whole[ref.index] if ref.index else whole


def trace(lesson: Lesson, iteration: int = 1) -> Trace:
    """The steps of iteration `iteration` (from 1) of a lesson."""
    found = Run(lesson).iteration(iteration)
    assert found is not None
    return Trace(lesson, found)


def as_shown(value: Any, digits: int) -> Any:
    """A value as a person reads it off the screen (`layout.number`): up to six digits, else `digits` of them."""
    if isinstance(value, float):  # many of them are asked for, one by one
        six = float(f"{value:.5e}")
        return six if abs(six - value) <= EXACT * abs(value) else float(f"{value:.{digits - 1}e}")
    value = np.asarray(value, dtype=float)
    short = _round(value, 6)
    with quietly():
        exact = np.abs(short - value) <= EXACT * np.abs(value)
    return np.where(exact, short, _round(value, digits))


def reads_as(got: Any, true: Any, digits: int = 4) -> np.ndarray:
    """Whether a result, rounded as `true` is shown (`layout.number`), is that but for one in the last place.

    And right to three digits whatever the first is: of 1.0004 one in the fourth place would be a whole thousandth.
    """
    true = np.asarray(true, dtype=float)
    return _within(got, true, _most_off(true, digits))


@QUIET
def _within(got: Any, true: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Which results are the true one, or at `most` so far from it."""
    return np.asarray((got == true) | (np.abs(got - true) <= most))


@QUIET
def _most_off(true: np.ndarray, digits: int) -> np.ndarray:
    """How far from a value a result may lie that reads as it."""
    size = np.abs(true)
    places = np.full(true.shape, digits)
    for more in range(6, digits - 1, -1):  # a number of at most six digits is shown as it is
        places = np.where(np.abs(_round(true, more) - true) <= EXACT * size, more, places)
    unit = 10.0 ** (np.floor(np.log10(size)) - places + 1)
    return np.asarray(np.minimum(0.99 * unit, 5e-4 * size))


@QUIET
def _round(value: np.ndarray, digits: int) -> np.ndarray:
    if value.ndim == 0:  # many of them are asked for, one by one
        return np.asarray(float(f"{value:.{digits - 1}e}"))
    magnitude = np.floor(np.log10(np.abs(value)))
    magnitude = np.where(np.isfinite(magnitude), magnitude, 0)
    scale = 10.0 ** (digits - 1 - magnitude)
    rounded = np.rint(value * scale) / scale
    half = np.abs(np.abs(value * scale) % 1 - 0.5) <= 1e-6  # what is shown looks at further digits
    if half.any():
        rounded = np.array(rounded)
        for at in np.argwhere(half):
            rounded[tuple(at)] = float(f"{value[tuple(at)]:.{digits - 1}e}")
    return np.where(np.isfinite(rounded), rounded, value)


# ---------------------------------------------------------------- ids


def resolve(program: Program, id: str) -> tuple[Equation, tuple[int, ...] | None, int | None]:
    """The equation, element and example (both from 0) that an id names. Raises NoSuchStep."""
    named = read_id(id)
    if named is None or names_no_place(id):
        meant = meant_id(id.strip()[:64], lambda other: _is_there(program, other))
        near = suggestion(meant) or Message("; ids look like z1, dL/dW2, dL/dW2[1,2] or dL/dW2[1,2]@3")
        raise NoSuchStep(Message("{id} is not a step id{near}", id=quoted(id), near=near))
    base, example = named.base, named.example
    eq = program.equation(base)
    if example is not None:
        eq = program.by_key.get(Symbol(base, per_example=True).key)
    eq = eq or find_local(program, base)
    if eq is None:
        known = list(dict.fromkeys(e.symbol.id for e in program.equations))
        if base in known:
            raise NoSuchStep(
                Message(
                    "'{id}' is the batch's own: it has no examples"
                    if program.examples > 1
                    else "'{id}' has one example: leave out the @",
                    id=base,
                )
            )
        if given := _given(program, base, known):
            raise NoSuchStep(given)
        meant = meant_id(id.strip()[:64], lambda other: _is_there(program, other))
        near = suggestion(meant) or _nearest(base, known)
        raise NoSuchStep(Message("there is no step '{id}' in this lesson{near}", id=base, near=near))
    if not named.fits(eq.symbol.shape):
        raise NoSuchStep(_no_element(id, base, named, eq.symbol.shape))
    if example is not None and not eq.symbol.per_example:
        at = _said(example_of(id))
        raise NoSuchStep(Message("'{id}' is the same for all examples: leave out the @{at}", id=base, at=at))
    if example is not None and not 0 <= example < program.examples:
        at = _said(example_of(id))
        raise NoSuchStep(Message("the batch has {n} examples: there is no @{at}", n=program.examples, at=at))
    return eq, named.index, example


def _is_there(program: Program, id: str) -> bool:
    """Whether an id names a step, or an element of one."""
    named = read_id(id)
    eq = named and (program.equation(named.base) or find_local(program, named.base))
    return bool(named and eq and named.fits(eq.symbol.shape))


def _given(program: Program, base: str, known: list[str]) -> str:
    """What is said of a value that is given, which no step computes; empty of any other word."""
    symbol = next((found for found in program.symbols.values() if found.id == base), None)
    if symbol is None or symbol.quantity in ("hyper", "state"):
        return ""
    gradients = [id for id in known if (read_derivative(id) or ("", ""))[1] == base]
    gradient, update = next(iter(gradients), ""), updated(base) if updated(base) in known else ""
    more: str = ""
    if gradient and update:
        more = Message("; its gradient is '{gradient}', its update is '{update}'", gradient=gradient, update=update)
    elif gradient:
        more = Message("; its gradient is '{gradient}'", gradient=gradient)
    elif update:
        more = Message("; its update is '{update}'", update=update)
    return Message("'{id}' is given: no step computes it{more}", id=base, more=more)


def _no_element(id: str, base: str, named: StepId, shape: tuple[int, ...]) -> str:
    """What is said of an element that is not there."""
    assert named.index is not None
    more: str = ""
    if shape and len(named.index) != len(shape):
        more = Message(
            "; one of its elements is {element}, row and column"
            if len(shape) == 2
            else "; one of its elements is {element}",
            element=f"{base}[{','.join('1' for _ in shape)}]",
        )
    elif shape and any(i < 0 for i in named.index):
        more = Message("; rows and columns are counted from 1")
    return Message(
        "'{id}' is {shape}: it has no element [{index}]{more}",
        id=base, shape=shape_text(shape), index=_said(id.partition("[")[2].partition("]")[0]), more=more,
    )  # fmt: skip


def _said(place: str) -> str:
    """A place as it was written, cut short."""
    text = place.strip().partition(" ")[0]
    return text if len(text) <= 20 else text[:19] + "…"


def _nearest(base: str, known: list[str]) -> str:
    meant = nearest(base, known)
    if _other_letter(base, meant):  # of df/dz a df/dy is no slip of the finger
        alike = [id for id in known if _other_letter(base, id)]
        some = ", ".join(alike[:6]) + (" …" if len(alike) > 6 else "")
        return Message("; its gradients are {ids}", ids=some)
    return suggestion(meant) or Message("; its steps are {ids} …", ids=", ".join(known[:6]))


def _other_letter(id: str, other: str) -> bool:
    """Whether two derivatives differ in what they are with respect to, a single letter: df/dz and df/dy."""
    one, two = read_derivative(id), read_derivative(other)
    if one is None or two is None or one[0] != two[0]:
        return False
    x, y = one[1], two[1]
    return len(x) == len(y) == 1 and x.isalpha() and y.isalpha() and x.casefold() != y.casefold()


def find_local(program: Program, id: str) -> Equation | None:
    """The local derivative that an id such as da2/dz2 names, if there is one."""
    named = read_derivative(id)
    if not named:
        return None
    eq = program.equation(named[0])
    if eq is None or eq.phase not in ("forward", "loss") or eq.rule in ("mean_loss", "sum_loss", "objective"):
        return None
    wrt = next((ref.symbol for ref in refs(eq.formula) if ref.symbol.id == named[1]), None)
    return local_derivative(eq, wrt) if wrt and wrt.quantity not in ("target", "hyper") else None


def activation_calls(formula: Expr) -> list[Call]:
    """The activations and their derivatives in a formula, each once: what a card writes out below it."""
    calls = (node for node in walk(formula) if isinstance(node, Call) and node.op != "linear")
    return list(dict.fromkeys(node for node in calls if (prime_of(node.op) or node.op) in {*ACTIVATIONS, "softmax"}))


def symbols_of(trace: Trace) -> dict[str, Symbol]:
    """Every symbol of the trace by key, the given ones (parameters, data) included."""
    return trace.program.symbols
