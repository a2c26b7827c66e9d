"""Iterations as straight-line C over single numbers: bit for bit what `scalars` does in Python."""

from __future__ import annotations

from collections.abc import Sequence

from tutor.engine.compiled.c_text import NotInC
from tutor.engine.compiled.c_text import number as literal
from tutor.engine.compiled.elements import ScalarGraph
from tutor.engine.compiled.graph import SIGNS
from tutor.engine.compiled.straight import straight


class CScalars:
    """The C of an iteration over the numbers of a graph: `text`, with what it takes in `settled`."""

    def __init__(self, graph: ScalarGraph, examples: int, first: int = 0):
        """`first` is where in `k` there is room. Raises NotInC at an operator that C does not have."""
        self.graph = graph.graph
        language = _C(graph, examples, first)
        found = straight(graph, language)
        self.settled = language.settled  # the numbers in the graph of what `k` has from `first` on
        size = max(1, len(graph.data) // examples)
        lines = [
            *(f"const number *g{e} = data[0] + rows[{e}] * {size}L;" for e in range(examples if graph.data else 0)),
            "int bad = 0;",
            *found.lines,
            *(f"number w{at} = {value};" for at, value in enumerate(found.new)),
            f"number loss = {found.loss};",
            "if (bad) return 0;",
            *(f"s[{at}] = w{at};" for at in range(len(found.new))),
            "*kept = loss;",
            "return 1;",
        ]
        body = "\n    ".join(lines)
        self.text = f"""
static inline int once_{examples}(number *restrict s, const number *restrict k, const number *const *data,
                                  const int *rows, number t, number *kept, void *work)
{{
    {body}
}}
"""


class _C:
    """See `straight.Language`."""

    def __init__(self, graph: ScalarGraph, examples: int, first: int):
        width = max(1, len(graph.data) // examples)
        self.places = {name: f"g{at // width}[{at % width}]" for at, name in enumerate(graph.data)}
        self.places |= {name: f"s[{at}]" for at, name in enumerate(graph.carried)}
        self.settled: list[int] = []
        self.first = first

    def leaf(self, number: int, graph: ScalarGraph) -> str:
        op, _, name = graph.graph.nodes[number]
        if op == "given":
            return self.places.get(name, str(name))
        if op == "const":
            return literal(graph.graph.settled[number])
        if number not in self.settled:
            self.settled.append(number)
        return f"k[{self.first + self.settled.index(number)}]"

    def let(self, name: str, value: str) -> str:
        return f"number {name} = {value};"

    def ask_near(self, name: str, limit: float) -> str:
        return f"if ({literal(-limit)} < {name} && {name} < {literal(limit)} && {name} != 0.0) return 0;"

    def ask_tie(self, mine: str, other: str, limit: float) -> str:
        near = f"pow_({mine} - {other}, 2.0, &bad) < {literal(limit**2)} * {mine} * {mine}"
        return f"if ({near} && {mine} != {other}) return 0;"

    def ask_left(self, new: str, old: str, near: float, share: float) -> str:
        small = f"{literal(-near)} < {new} && {new} < {literal(near)}"
        return f"if ({small} && {new} * {new} < {literal(share**2)} * {old} * {old} && {new} != 0.0) return 0;"

    def text(self, op: str, args: Sequence[str], param: int | None) -> str:
        a, b = args[0], args[-1]
        match op:
            case "add" | "sub" | "mul":
                return f"({SIGNS[op].join(args)})" if len(args) > 1 else a
            case "neg":
                return f"(-{a})"
            case "max" | "min":
                return f"({a} {'>' if op == 'max' else '<'} {b} || {a} != {a} ? {a} : {b})"
            case "wins_max" | "wins_min":
                assert param is not None
                sign, mine = ">" if op == "wins_max" else "<", args[param]
                beats = [f"{mine} {sign}{'=' * (k > param)} {other}" for k, other in enumerate(args) if k != param]
                return f"({' && '.join(beats) or 1} ? 1.0 : 0.0)"
            case "choose":
                return f"({a} > 0.0 ? {args[1]} : {b})"
            case "sign":
                return f"({a} == 0.0 ? 0.0 : __builtin_copysign(1.0, {a}))"
            case "ratio":
                return f"({a} == 0.0 ? 0.0 : div_({a}, {b}, &bad))"
            case "times":
                return f"({a} == 0.0 ? 0.0 : {a} * {b})"
            case "power_log":
                return f"({a} == 0.0 && {b} > 0.0 ? 0.0 : pow_({a}, {b}, &bad) * log_({a}, &bad))"
            case "pick":
                return f"pick_((const number[]){{{', '.join(args[1:])}}}, {len(args) - 1}, {a}, &bad)"
            case "hit":
                return f"({a} == {param} ? 1.0 : 0.0)"
        if op not in _FUNCTIONS:
            raise NotInC(op)
        return f"{_FUNCTIONS[op]}({', '.join(args)}{', &bad' if _FUNCTIONS[op][-1] == '_' else ''})"


# An operator's function; one that ends in _ sees where Python's would raise.
_FUNCTIONS = {
    "div": "div_", "pow": "pow_", "exp": "exp_", "log": "log_", "log1p": "log1p_", "expm1": "expm1_", "sin": "sin_",
    "cos": "cos_", "sqrt": "sqrt_", "tanh": "tanh", "erf": "erf", "erfc": "erfc", "abs": "__builtin_fabs",
}  # fmt: skip
