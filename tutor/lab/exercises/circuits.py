"""Exercises on circuits: two gates by hand, and an engine that does all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from tutor.lab.exercise import Arrays, Case, Exercise, OwnSlip
from tutor.lab.making import bundled, circuit, drawn
from tutor.text.language import say


def _two(rng: np.random.Generator) -> Sequence[Case]:
    cases = [bundled("gates")]
    for x, y, z in drawn(rng, 2, 3, high=4.0):
        title = say("random numbers, {values}", values=f"x = {x:g}, y = {y:g}, z = {z:g}")
        cases.append(circuit(title, "q = x + y", "f = q * z", inputs={"x": x, "y": y, "z": z}))
    return cases


TWO_GATES = Exercise(
    id="two_gates",
    title="Two gates",
    aim="f = (x + y) · z and its three slopes, gate by gate.",
    lesson="gates",
    takes={name: name for name in "xyz"},
    returns={"q": "q", "f": "f", "dq": "df/dq", "dz": "df/dz", "dx": "df/dx", "dy": "df/dy"},
    cases=_two,
    hints=(
        "The chain rule at each gate: what came back from later, times the gate's own slope.",
        "A multiply gate sends each input the other one; an add gate passes on what came back, as it is.",
        "dq = z;  dz = q;  dx = dq;  dy = dq",
    ),
)


# ---------------------------------------------------------------- an engine

GATES: dict[str, tuple[tuple[str, ...], ...]] = {  # value, operator, of which: each breaks another lazy engine
    "u = a * b, w = u + a, v = w + c, f = tanh(v)": (
        ("u", "mul", "a", "b"), ("w", "add", "u", "a"), ("v", "add", "w", "c"), ("f", "tanh", "v"),
    ),
    "u = a + c, w = u * a, v = w * c, f = v + b": (
        ("u", "add", "a", "c"), ("w", "mul", "u", "a"), ("v", "mul", "w", "c"), ("f", "add", "v", "b"),
    ),
    "u = a * b, w = u * u, v = w * b, f = v + c": (
        ("u", "mul", "a", "b"), ("w", "mul", "u", "u"), ("v", "mul", "w", "b"), ("f", "add", "v", "c"),
    ),
    "u = a * b, w = tanh(u), v = u * w, f = c + v": (
        ("u", "mul", "a", "b"), ("w", "tanh", "u"), ("v", "mul", "u", "w"), ("f", "add", "c", "v"),
    ),
}  # fmt: skip
_GIVEN, _MADE = ("a", "b", "c"), ("u", "w", "v", "f")
_HEARD = ("v", "w", "u", "a", "b", "c")  # the slopes that come back, in an order that suits all


def _engines(rng: np.random.Generator) -> Sequence[Case]:
    cases: list[Case] = []
    for lines, gates in GATES.items():
        extra = {"gates": [list(gate) for gate in gates]}
        if cases:
            inputs = dict(zip(_GIVEN, map(float, drawn(rng, 3)), strict=True))
            title = say("{lines}, random numbers", lines=lines)
            cases.append(circuit(title, *lines.split(", "), inputs=inputs, extra=extra))
        else:
            own = bundled("forty-lines")
            cases.append(Case(f"{lines}, {own.title}", own.lesson, 1, extra))
    return cases


def _engine(
    case: Case, order: Callable[[_Graph], list[str]], overwriting: Sequence[str] = (), rounds: int = 1
) -> dict[str, float]:
    """The slopes that an engine leaves which hands on in this order, so many times without setting grads to 0.

    Gates of the `overwriting` kinds have = in place of +=.
    """
    made = {name: (op, *of) for name, op, *of in case.extra["gates"]}
    data = {name: float(case.value(name)) for name in (*_GIVEN, *_MADE)}
    grad = dict.fromkeys(data, 0.0)
    for _ in range(rounds):
        grad["f"] = 1.0
        for name in order({name: made[name][1:] for name in made}):
            op, *of = made.get(name, ("",))
            others = tuple(data[other] for other in of[::-1])
            slopes = {"add": (1.0, 1.0), "mul": others, "tanh": (1 - data[name] ** 2,)}.get(op, ())
            for parent, slope in zip(of, slopes, strict=True):
                grad[parent] = grad[parent] * (op not in overwriting) + grad[name] * slope
    return grad


_Graph = dict[str, tuple[str, ...]]  # what each value was made of


def _sorted(graph: _Graph) -> list[str]:
    """Every value after all that it was used in."""
    found: list[str] = []

    def visit(name: str) -> None:
        if name not in found:
            for parent in graph.get(name, ()):
                visit(parent)
            found.append(name)

    visit("f")
    return found[::-1]


def _by_paths(graph: _Graph) -> list[str]:
    """Each value once for every path that leads to it: a recursion that forgets where it has been."""
    return ["f", *(name for parent in graph["f"] for name in _from(graph, parent))]


def _from(graph: _Graph, name: str) -> list[str]:
    return [name, *(below for parent in graph.get(name, ()) for below in _from(graph, parent))]


def _first_met(graph: _Graph) -> list[str]:
    """Each value when a path first leads to it, depth first."""
    return list(dict.fromkeys(_by_paths(graph)))


def _row_by_row(graph: _Graph) -> list[str]:
    """Each value when it is first met, breadth first."""
    found = ["f"]
    for name in found:
        found += [parent for parent in dict.fromkeys(graph.get(name, ())) if parent not in found]
    return found


def _no_further(graph: _Graph) -> list[str]:
    """Only the last value, and those that it was made of."""
    return ["f", *dict.fromkeys(graph["f"])]


def _forwards(graph: _Graph) -> list[str]:
    return _sorted(graph)[::-1]


def _slopes(case: Case, grad: Mapping[str, float], again: bool = False) -> Arrays:
    """What an engine's slopes come to by the names of what is returned; {} where they are right."""
    names = _GIVEN if again else _HEARD
    if all(np.isclose(grad[name], case.value(f"df/d{name}")) for name in names):
        return {}
    return {f"{name}.grad{' again' * again}": np.asarray(grad[name]) for name in names}


_KINDS = (("add", "mul", "tanh"), ("add", "mul"), ("add",), ("mul",), ("tanh",))


def _overwritten(kinds: Sequence[str], case: Case) -> Arrays:
    return _slopes(case, _engine(case, _sorted, kinds))


OVERWRITTEN = (
    "overwritten",
    "= stands where += is meant",
    "A Value may be used twice: what arrives is added to its grad.",
)
NO_ORDER = (
    "no-order",
    "a Value handed on before it had heard from all its uses",
    "Sort first: each Value's parents before the Value itself. Walk that list from its end.",
)
PATHS_AGAIN = (
    "visited-again",
    "a Value handed on once for each path that leads to it",
    "Call _backward of each Value once, and after those of all Values that it was used in.",
)
FORWARDS = (
    "forwards",
    "the list was walked from its beginning, so nothing had arrived yet",
    "What everything hangs on comes first on the way back: begin with f, at the end of the sorted list.",
)
NO_FURTHER = (
    "no-further",
    "only f and what it was made of handed on",
    "What those were made of has to hand on as well, down to where a Value was made of nothing.",
)
NOT_ZEROED = (
    "not-zeroed",
    "the grads of the first time were still there the second time",
    "Before anything else backward sets the grad of each Value that it comes to to 0.",
)

FORTY_LINES = Exercise(
    id="forty_lines",
    title="An engine in forty lines",
    aim="Numbers that know what they were made of: backward for any circuit.",
    lesson="forty-lines",
    takes={**{name: name for name in _GIVEN}, "gates": ""},
    returns={f"{name}.data": name for name in _MADE}
    | {f"{name}.grad": f"df/d{name}" for name in _HEARD}
    | {f"{name}.grad again": f"df/d{name}" for name in _GIVEN},  # of a second call
    cases=_engines,
    call="Value",
    driver="engine",
    slips=(
        *(OwnSlip(*OVERWRITTEN, partial(_overwritten, kinds)) for kinds in _KINDS),
        OwnSlip(*PATHS_AGAIN, lambda case: _slopes(case, _engine(case, _by_paths))),
        OwnSlip(*NO_ORDER, lambda case: _slopes(case, _engine(case, _first_met))),
        OwnSlip(*NO_ORDER, lambda case: _slopes(case, _engine(case, _row_by_row))),
        OwnSlip(*FORWARDS, lambda case: _slopes(case, _engine(case, _forwards))),
        OwnSlip(*NO_FURTHER, lambda case: _slopes(case, _engine(case, _no_further))),
        OwnSlip(*NOT_ZEROED, lambda case: _slopes(case, _engine(case, _sorted, rounds=2), again=True)),
    ),
    hints=(
        "Three things make a chain rule into an engine: the order in which Values hand on, += where a Value is used "
        "twice, and grads that begin at 0.",
        "In _backward: += out.grad times the other factor, once for each parent. In backward: a function that visits a "
        "Value's parents and then puts the Value on a list, each only once, gives the order.",
        "for add: self.grad += out.grad; for mul: self.grad += out.grad * other.data; for tanh: self.grad += out.grad "
        "* (1 - out.data**2). backward: sort; for each grad = 0.0; self.grad = 1.0; from the end: each its _backward()",
    ),
)
