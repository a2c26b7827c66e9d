"""Random array circuits through everything: a file, the lesson that is read from it, its trace, each gradient of it.

Held against `array_circuits`, which evaluates the same trees with loops over complex numbers and knows no reverse rule.
The file is printed by code of this test alone, as an author writes it.
"""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from array_circuits import EXAMPLES, ArrayCircuit, Grower
from each import each
from tutor.engine.expressions import Call, Const, Expr, Ref, indices
from tutor.engine.trace import trace
from tutor.lessonfiles.check import load

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "matmul": "@"}
NAMES = {"average": "mean", "variance": "var", "reduce_max": "max", "reduce_min": "min"}
ALONG = ("sum", "average", "variance", "reduce_max", "reduce_min", "softmax", "log_softmax", "concat")
PLAIN = ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "max", "min", "cross_entropy", "embedding", "causal")
WRITTEN = (
    *(op for op in ALONG if op != "concat"), *PLAIN, *SIGNS, "neg", "transpose", "norm", "conv", "max_pool", "avg_pool",
    "row", "concat", "reshape",
)  # fmt: skip


def author(expr: Expr) -> str:
    """A formula as an author writes it, everything in brackets."""
    if isinstance(expr, Const):
        return repr(expr.value)
    if isinstance(expr, Ref):
        return expr.symbol.id
    assert isinstance(expr, Call)
    args, op, param = [author(arg) for arg in expr.args], expr.op, expr.param
    said = ", ".join(args)
    if op in SIGNS:
        return f"({f' {SIGNS[op]} '.join(args)})"
    if op == "neg":
        return f"(-{said})"
    if op == "transpose":
        return f"({said}).T"
    if op in ALONG:
        return f"{NAMES.get(op, op)}({said})" if param is None else f"{NAMES.get(op, op)}({said}, axis={param})"
    if op == "norm":
        return f"norm({said}, axis={param[0]}, eps={param[1]!r})"
    if op == "conv":
        return f"conv({said}, stride={param[0]}, padding={param[1]})"
    if op in ("max_pool", "avg_pool"):
        return f"{op}({said}, {param[0]}, stride={param[1]})"
    if op == "row":
        return f"row({said}, {param + 1})"
    if op == "reshape":
        return f"reshape({said}, {', '.join(map(str, param))})"
    assert op in PLAIN, op
    return f"{op}({said})"


def written(formula: Expr) -> bool:
    """Whether an author may write it: files want two arrays for concat(), a matrix for embedding() ..."""
    if not isinstance(formula, Call):
        return True
    op, first = formula.op, formula.args[0]
    return not (
        (op == "concat" and len(formula.args) == 1)
        or (op == "embedding" and len(first.shape) < 2)
        or (op in ("reduce_max", "reduce_min", "sum", "average", "variance") and not first.shape)
        or (op == "reshape" and not formula.param)
    )


def grown(seed: int) -> ArrayCircuit:
    """Of every third seed all inputs are the same for all examples; some are, always."""
    rng = random.Random(seed)
    grower = Grower(rng, examples=seed % 3 > 0)
    while len(grower.lines) < 3 or all(symbol.per_example for symbol in grower.inputs):
        formula = grower.make(rng.choice(WRITTEN))
        if written(formula):
            grower.line(formula)
    return grower.finished()


def as_file(circuit: ArrayCircuit) -> str:
    given = [*circuit.inputs, *circuit.data]
    lines = ", ".join(f'"{symbol.id} = {author(formula)}"' for symbol, formula in circuit.lines)
    data = [symbol.id for symbol in circuit.data]
    text = (
        f'format = 1\ntitle = "Grown"\n[circuit]\ndefine = [{lines}]\noutput = "L"\ndata = {data}\n[circuit.inputs]\n'
    )
    once = [symbol for symbol in given if not symbol.per_example]
    text += "".join(f"{symbol.id} = {circuit.values[symbol.key].tolist()}\n" for symbol in once)
    if any(symbol.per_example for symbol in given):
        text += '[training]\nlearning_rate = 0.125\nbatch = "all"\n'
        for e in range(EXAMPLES):
            each = [symbol for symbol in given if symbol.per_example]
            text += "[[examples]]\n" + "".join(f"{s.id} = {circuit.values[s.key][e].tolist()}\n" for s in each)
    return text


@each("seed", range(20))
@pytest.mark.parametrize("more", range(0, 200, 20))
def test_a_grown_circuit_from_its_file_to_every_gradient(seed, more, tmp_path):
    circuit = grown(more + seed)
    (tmp_path / "grown.toml").write_text(as_file(circuit))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here = trace(load(tmp_path / "grown.toml"))
    for symbol in circuit.parameters:
        got = np.asarray(here.value(Ref(here.find(f"dL/d{symbol.id}").equation.symbol)))
        assert got.shape == symbol.shape
        for index in indices(symbol.shape):
            want = circuit.slope(symbol, index)
            np.testing.assert_allclose(got[index], want, rtol=1e-10, atol=1e-12, err_msg=f"{symbol.id}{index}")
