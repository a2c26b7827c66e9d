"""Is the slip in a whole solution found? Simulated solutions, each with a planted slip carried on to the end.

    python benchmarks/solutions.py [--networks 60] [--seed 1] [--brief]
    python benchmarks/solutions.py --large

For every bundled lesson and so many random networks and circuits, every misconception is planted in every equation that
it bears upon: the wrong equation's values, and from there on everything by the right method. The solution is handed in
at full precision and rounded to four digits (as a table of text), whole and with steps left out. Counted: whether the
first wrong step is right, whether the name is among the first three; right solutions that are called wrong; and of
solutions with two slips whether the first is found.

--large: how long it takes to judge 301 arrays of 10,000 numbers (43 layers of 100 tanh units, a batch of 100) as a file
of NumPy's, right, with one slip, and with what no slip explains; what a bounded search left is said.
"""

from __future__ import annotations

import argparse
import io
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from diagnosis import BUNDLED, random_circuit, random_network

from tutor.engine.expressions import Expr, Ref, evaluate
from tutor.engine.lesson import Layer, Lesson, Network, Training
from tutor.engine.model import Equation
from tutor.engine.trace import Trace, trace
from tutor.lessonfiles.check import load
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.misconceptions.rewriting import Site
from tutor.questions.rounding import full_shape
from tutor.questions.slips import looking
from tutor.solutions.files import Handed, read_arrays
from tutor.solutions.judging import diagnose

MOST = 400  # numbers of a lesson that is tried


def planted(t: Trace, changes: dict[str, Expr]) -> dict[str, np.ndarray] | None:
    """All values of an iteration with some equations wrong; None where that gives no numbers."""
    values: dict[str, np.ndarray] = {}

    look = looking(t, values)
    try:
        for eq in t.equations:
            formula = changes.get(eq.symbol.key, eq.formula)
            own = np.asarray(evaluate(formula, look), dtype=float)
            if formula.batched and not formula.shape:
                own = own.reshape(own.shape + (1,) * len(eq.symbol.shape))
            values[eq.symbol.key] = np.broadcast_to(own, full_shape(t, eq))
    except ValueError:
        return None
    return values if all(np.all(np.isfinite(value)) for value in values.values()) else None


def handed(t: Trace, values: dict[str, np.ndarray], digits: int | None, rng: random.Random | None) -> list[Handed]:
    """The values as somebody hands them in: by id, in any order; with `rng` some are left out."""
    found = []
    for eq in t.equations:
        if eq.deferred or (rng and eq.phase != "update" and rng.random() < 0.4):
            continue
        value = values[eq.symbol.key]
        if digits is None:
            found.append(Handed(eq.symbol.id, value))
        else:
            text = [f"{number:.{digits}g}" for number in value.reshape(-1)]
            written = np.array([float(number) for number in text]).reshape(value.shape)
            found.append(Handed(eq.symbol.id, written, digits, 12))
    (rng or random.Random(0)).shuffle(found)
    return found


def by_hand(t: Trace, digits: int) -> dict[str, np.ndarray]:
    """All values of an iteration as somebody gets them who rounds every line, and goes on from what was written."""
    values: dict[str, np.ndarray] = {}

    look = looking(t, values)
    for eq in t.equations:
        own = np.broadcast_to(np.asarray(evaluate(eq.formula, look), dtype=float), full_shape(t, eq))
        text = [f"{number:.{digits}g}" for number in own.reshape(-1)]
        values[eq.symbol.key] = np.array([float(number) for number in text]).reshape(own.shape)
    return values


def by_id(t: Trace, arrays: list[Handed]) -> list[Handed]:
    """Of a batch's gradient and its examples' own the batch's alone: they share an id."""
    plain = {eq.symbol.id for eq in t.equations if not eq.symbol.per_example}
    shapes = {eq.symbol.id: eq.symbol.shape for eq in t.equations if not eq.symbol.per_example}
    return [a for a in arrays if a.name not in plain or a.values.shape == shapes[a.name]]


def visible(t: Trace, values: dict[str, np.ndarray]) -> str | None:
    """The first equation whose values differ from the right ones so that four digits show it."""
    for eq in t.equations:
        right = np.asarray(t.value(Ref(eq.symbol)), dtype=float)
        if not eq.deferred and np.any(np.abs(values[eq.symbol.key] - right) > 2e-3 * np.abs(right) + 1e-9):
            return eq.symbol.id
    return None


def sites(t: Trace) -> Iterator[tuple[str, Equation, Expr]]:
    for eq in t.equations:
        for id, misconception in MISCONCEPTIONS.items():
            for wrong in misconception.rewrite(Site(t.program, eq)):
                yield id, eq, wrong
                break


def lessons(args: argparse.Namespace, rng: random.Random) -> Iterator[Lesson]:
    for path in sorted(Path(BUNDLED).glob("*.toml")):
        lesson = load(path)
        t = trace(lesson)
        if sum(np.size(value) for value in t.iteration.values.values()) <= MOST:
            yield lesson
    for at in range(args.networks):
        yield random_circuit(rng) if at % 4 == 3 else random_network(rng)


LARGE = {  # what somebody does at layer 20: the sum instead of the mean, no slope, W for its transpose ...
    "right": {},
    "slope-dropped": {"dz": lambda da, slope: da},
    "transpose-missing": {"back": lambda dz, W: dz @ W.T},
    "sum-for-mean": {"dW": lambda dz, a: dz.T @ a},
    "two slips": {"dz": lambda da, slope: -2 * da},
    "no slip": {"dW": lambda dz, a: dz.T @ a * np.sin(np.arange(dz.shape[1]))},
}


def large() -> None:
    """The time for a large file, and what is said of it."""
    wide, depth, rows, rate = 100, 43, 100, 0.5
    rng = np.random.default_rng(1)
    Ws = [rng.normal(size=(wide, wide)) / 10 for _ in range(depth)]
    x, y = rng.normal(size=(rows, wide)), rng.normal(size=(rows, wide)) / 3
    layers = tuple(Layer(wide, "tanh", weights=W) for W in Ws)
    network = Network(wide, "half_squared_error", layers)
    training = Training(learning_rate=rate, batch="all")
    lesson = Lesson("large", "large", network=network, inputs=x, targets=y, training=training)
    t = trace(lesson)
    for name, slip in LARGE.items():
        a, arrays = [x], {}
        for k, W in enumerate(Ws, 1):
            arrays[f"W{k}"], arrays[f"z{k}"] = W, a[-1] @ W.T
            a.append(np.tanh(arrays[f"z{k}"]))
            arrays[f"a{k}"] = a[-1]
        da = a[-1] - y
        for k in range(depth, 0, -1):
            wrong = slip if k == 20 else {}
            dz = wrong.get("dz", lambda da, slope: da * slope)(da, 1 - a[k] ** 2)
            dW = wrong.get("dW", lambda dz, a: dz.T @ a / rows)(dz, a[k - 1])
            arrays |= {f"da{k}": da, f"dz{k}": dz, f"dW{k}": dW, f"W{k}_new": Ws[k - 1] - rate * dW}
            da = wrong.get("back", lambda dz, W: dz @ W)(dz, Ws[k - 1])
        file = io.BytesIO()
        np.savez(file, **arrays)
        began = time.perf_counter()
        result = diagnose(t, read_arrays("mine.npz", file.getvalue()))
        took = time.perf_counter() - began
        first = result.first_wrong
        said = f"{first.step}: {', '.join(slip.name for slip in first.slips) or first.verdict}" if first else "right"
        print(f"{name:18} {len(arrays)} arrays, {took:5.2f} s  {said}  {result.untried}")


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--networks", type=int, default=60)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--brief", action="store_true", help="one slip in ten")
    args.add_argument("--show", action="store_true", help="print what was missed")
    args.add_argument("--large", action="store_true", help="only how long a large file takes")
    args = args.parse_args()
    if args.large:
        large()
        return
    rng = random.Random(args.seed)
    found: Counter[str] = Counter()
    slow = 0.0
    for lesson in lessons(args, rng):
        t = trace(lesson)
        right = {
            eq.symbol.key: np.asarray(t.value(Ref(eq.symbol)), dtype=float) for eq in t.equations if not eq.deferred
        }
        for digits in (None, 4, 3):
            result = diagnose(t, by_id(t, handed(t, right, digits, None)))
            found[f"right {digits or 'full'}"] += 1
            found[f"right {digits or 'full'}: called wrong"] += not result.right
            if args.show and not result.right:
                print(lesson.id, digits, [a for a in result.arrays if a.verdict not in ("right", "rounded")])
        for digits in (4, 3):
            for left_out in (None, rng):
                arrays = by_id(t, handed(t, by_hand(t, digits), digits, left_out))
                if not arrays:
                    continue
                result = diagnose(t, arrays)
                found[f"by hand {digits}"] += 1
                found[f"by hand {digits}: called wrong"] += not result.right
                if args.show and not result.right:
                    print(
                        lesson.id,
                        "by hand",
                        digits,
                        [a for a in result.arrays if a.verdict not in ("right", "rounded")],
                    )
        every = list(sites(t))
        rng.shuffle(every)
        for id, eq, wrong in every[:: 10 if args.brief else 1]:
            values = planted(t, {eq.symbol.key: wrong})
            first = visible(t, values) if values is not None else None
            if values is None or first is None:
                continue
            for label, digits, left_out in (("full", None, None), ("4 digits", 4, None), ("parts", None, rng)):
                arrays = by_id(t, handed(t, values, digits, left_out))
                names = {array.name for array in arrays}
                order = [e.symbol.id for e in t.equations if e.symbol.id in names and not e.deferred]
                wrong_ones = [
                    e.symbol.id
                    for e in t.equations
                    if e.symbol.id in names
                    and not e.deferred
                    and np.any(
                        np.abs(values[e.symbol.key] - right[e.symbol.key]) > 2e-3 * np.abs(right[e.symbol.key]) + 1e-9
                    )
                ]
                if not wrong_ones:
                    continue
                began = time.perf_counter()
                result = diagnose(t, arrays)
                slow = max(slow, time.perf_counter() - began)
                verdict = result.first_wrong
                found[f"{label}"] += 1
                found[f"{label}: step"] += verdict is not None and verdict.step == wrong_ones[0]
                named = verdict is not None and id in [slip.name for slip in verdict.slips]
                found[f"{label}: name"] += named
                if args.show and not (named and verdict.step == wrong_ones[0]):
                    print(
                        lesson.id,
                        label,
                        id,
                        "at",
                        eq.symbol.id,
                        "first",
                        wrong_ones[0],
                        "->",
                        verdict and (verdict.step, verdict.verdict, [s.name for s in verdict.slips]),
                        order[:0],
                    )
        pairs = [(a, b) for a in every for b in rng.sample(every, min(3, len(every))) if a[1] is not b[1]]
        for (id, eq, wrong), (id2, eq2, wrong2) in rng.sample(pairs, min(len(pairs), 20)):
            values = planted(t, {eq.symbol.key: wrong, eq2.symbol.key: wrong2})
            first = visible(t, values) if values is not None else None
            if values is None or first is None:
                continue
            verdict = diagnose(t, by_id(t, handed(t, values, None, None))).first_wrong
            found["two slips"] += 1
            ok = verdict is not None and {slip.name for slip in verdict.slips} & {id, id2}
            found["two slips: first"] += bool(ok) and verdict.step == first
    for label in ("full", "4 digits", "parts"):
        n = found[label] or 1
        print(
            f"one slip, {label:9} {n:6} solutions: first wrong step {100 * found[f'{label}: step'] / n:5.1f} %,"
            f" name among the first three {100 * found[f'{label}: name'] / n:5.1f} %"
        )
    for digits in ("full", 4, 3):
        wrong, many = found[f"right {digits}: called wrong"], found[f"right {digits}"]
        print(f"right, {digits} digits: {wrong} of {many} called wrong")
    for digits in (4, 3):
        wrong, many = found[f"by hand {digits}: called wrong"], found[f"by hand {digits}"]
        print(f"right, every line rounded to {digits} digits: {wrong} of {many} called wrong")
    n = found["two slips"] or 1
    print(f"two slips {n} solutions: the first is named in {100 * found['two slips: first'] / n:.1f} %")
    print(f"slowest diagnosis {1000 * slow:.0f} ms; every name is one of {len(MISCONCEPTIONS)}")


if __name__ == "__main__":
    main()
