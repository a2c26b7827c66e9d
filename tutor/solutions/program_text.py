"""A lesson's iteration as a program that a person likes to read: by hand-written steps, in NumPy, JAX or PyTorch.

Every equation is a line, in the order of computation, with its id as a comment; at the end stand the tutor's numbers,
and what differs from them is printed. JAX and PyTorch have their own gradients beside. A lesson's texts reach the
source as comments alone, its names where they are names of Python's.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutor.engine.expressions import Ref, Symbol, refs
from tutor.engine.ids import setting
from tutor.engine.model import Equation
from tutor.engine.trace import Trace
from tutor.solutions.program_lines import HELPERS, LIBRARIES, SLIDING, Dialect, Library, NoProgram, Printer, helper_text
from tutor.text.language import N_, say
from tutor.text.output import shown

# ---------------------------------------------------------------- names


def variables(trace: Trace) -> dict[str, str]:
    """A name of Python's for every symbol, by key: dL_dW1 for dL/dW1, W1_new for W1', no two the same."""
    taken = {
        "np",
        "numpy",
        "torch",
        "jax",
        "math",
        "expected",
        "float",
        "print",
        "zip",
        "abs",
        "name",
        "ours",
        "theirs",
        "same",
    }
    taken |= {"found", "leaves", "loss", "range", "enumerate", "erf", *HELPERS, *SLIDING}
    taken |= {"windows", "cells", "itertools", "one", "other", "third"}
    found: dict[str, str] = {}
    for key, symbol in trace.program.symbols.items():
        name = _variable(symbol)
        while name in taken or keyword.iskeyword(name):
            name += "_"
        taken.add(name)
        found[key] = name
    return found


def _variable(symbol: Symbol) -> str:
    id = symbol.id.removeprefix(setting("")).replace("@", "_via_").replace("'", "_new")
    name = re.sub(r"\W", "_", id)
    each = "_each" if symbol.per_example and symbol.quantity in ("loss", "gradient") else ""
    return (name if name[:1].isidentifier() else f"_{name}") + each


# ---------------------------------------------------------------- the program


@dataclass(frozen=True)
class ProgramPart:
    """A part of the program: its heading, and its lines."""

    title: str
    lines: tuple[str, ...]


def program(trace: Trace, dialect: Dialect) -> tuple[ProgramPart, ...]:
    """The parts of a program that computes this iteration. Raises NoProgram where a step has no line in it."""
    library = LIBRARIES[dialect]
    names = variables(trace)
    printer = Printer(trace, library, names)
    equations = [eq for eq in trace.equations if not eq.deferred]
    phases: dict[str, list[str]] = {}
    for eq in equations:
        try:
            text = printer(eq.formula)
        except NoProgram as error:
            raise NoProgram(f"{eq.symbol.id}: {error}") from None
        phases.setdefault("forward" if eq.phase == "loss" else eq.phase, []).append(
            f"{names[eq.symbol.key]} = {text}  # {_comment(eq.symbol.id)}"
        )
    helpers = [helper_text(name, dialect) for name in printer.used if name != "math"]
    needed = {"itertools": "cells", "math": "math"}
    imports = [f"import {module}" for module, user in needed.items() if user in printer.used]
    head = ProgramPart("", tuple([*_title(trace), *imports, *library.imports, "", *"\n\n".join(helpers).splitlines()]))
    parts = [head, ProgramPart(say("what the lesson gives"), tuple(_given(trace, names, library, equations)))]
    parts += [ProgramPart(say(_PHASES[phase]), tuple(lines)) for phase, lines in phases.items()]
    parts += _autograd(trace, dialect, names, phases.get("forward", []))
    comparison = tuple(_comparison(trace, names, equations, dialect))
    return (*parts, ProgramPart(say("beside the numbers of the tutor"), comparison))


_PHASES = {"forward": N_("forward"), "backward": N_("backward, by hand"), "update": N_("the update")}


def program_text(trace: Trace, dialect: Dialect) -> str:
    """The program as one file."""
    pieces = []
    for part in program(trace, dialect):
        heading = [f"# ---------------- {part.title}", ""] if part.title else []
        pieces.append("\n".join([*heading, *part.lines]).rstrip())
    return "\n\n".join(pieces) + "\n"


def notebook(trace: Trace, dialect: Dialect = "numpy") -> dict[str, Any]:
    """The program as a Jupyter notebook (nbformat 4.5): a cell a part."""
    cells: list[dict[str, Any]] = []
    for at, part in enumerate(program(trace, dialect)):
        if part.title:
            cells.append({"cell_type": "markdown", "id": f"said{at}", "metadata": {}, "source": f"## {part.title}"})
        source = "\n".join(part.lines).strip()
        cells.append({"cell_type": "code", "id": f"part{at}", "metadata": {}, "execution_count": None, "outputs": [],
                      "source": source})  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}}, "nbformat": 4,
            "nbformat_minor": 5}  # fmt: skip


def _title(trace: Trace) -> Iterator[str]:
    title, n = _comment(trace.lesson.title), trace.iteration.number
    yield "# " + say("{title}: iteration {n}, by hand-written steps.", title=title, n=n)
    yield "# " + say("Each line is a step, with its id in the tutor.")


def _comment(text: str) -> str:
    """A text of a lesson as a comment: one line of it, without what a terminal takes for a command."""
    return " ".join(shown(text).split())


def _given(trace: Trace, names: dict[str, str], library: Library, equations: list[Equation]) -> Iterator[str]:
    made = {eq.symbol.key for eq in equations}
    wanted = {ref.symbol.key: ref.symbol for eq in equations for ref in refs(eq.formula) if ref.symbol.key not in made}
    for key, symbol in wanted.items():
        value = np.asarray(trace.value(Ref(symbol)), dtype=float)
        text = repr(float(value)) if not value.shape else library.array.format(_nested(value))
        if not value.shape and symbol.quantity in ("circuit_input",) and library.prefix == "torch":
            text = library.array.format(repr(float(value)))
        yield f"{names[key]} = {text}"


def _nested(value: np.ndarray) -> str:
    """An array as lists, a row of a matrix on a line."""
    text = repr(value.tolist())
    return text.replace("], [", "],\n    [") if value.ndim > 1 and len(text) > 80 else text


def _autograd(trace: Trace, dialect: Dialect, names: dict[str, str], forward: list[str]) -> list[ProgramPart]:
    """The library's own gradients of what training lowers, by the names of the hand-written ones."""
    if dialect == "numpy":
        return []
    model = trace.program.model
    loss = names[model.loss.key if model.loss.key in names else model.output.key]
    wanted = [
        (symbol, names[eq.symbol.key])
        for symbol in model.parameters
        for eq in trace.equations
        if eq.symbol.quantity == "gradient"
        and eq.symbol.wrt == symbol
        and eq.symbol.of == model.loss
        and not eq.deferred
        and not eq.symbol.use
        and symbol.key in names
    ]
    if not wanted:
        return []
    if dialect == "jax":
        given = ", ".join(names[symbol.key] for symbol, _ in wanted)
        body = [f"    {line}" for line in forward]
        lines = [f"def loss({given}):", *body, f"    return {loss}", ""]
        lines += [f"found = jax.grad(loss, argnums={tuple(range(len(wanted)))})({given})"]
    else:
        leaves = ", ".join(names[symbol.key] for symbol, _ in wanted)
        lines = [f"leaves = [torch.as_tensor(part).detach().clone().requires_grad_() for part in ({leaves},)]"]
        body = [f"    {line}" for line in forward]
        given = ", ".join(names[symbol.key] for symbol, _ in wanted)
        lines = [
            f"def loss({given}):",
            *body,
            f"    return {loss}",
            "",
            *lines,
            "found = torch.autograd.grad(loss(*leaves), leaves)",
        ]
    hand = ", ".join(name for _, name in wanted)
    size = "{float(abs(ours - theirs).max()):.1e}"
    said = say("autograd, {name}: largest difference {size}", name="{name}", size=size)
    lines += [f"for name, ours, theirs in zip({[symbol.id for symbol, _ in wanted]}, ({hand},), found):",
              f'    print(f"{said}")']  # fmt: skip
    return [ProgramPart(say("the same by {library}", library="JAX" if dialect == "jax" else "PyTorch"), tuple(lines))]


def _comparison(trace: Trace, names: dict[str, str], equations: list[Equation], dialect: Dialect) -> Iterator[str]:
    numpy = {"numpy": "np", "jax": "np", "torch": "numpy"}[dialect]
    yield "expected = {"
    for eq in equations:
        value = np.asarray(trace.value(Ref(eq.symbol)), dtype=float)
        if eq.symbol.per_example:
            value = np.broadcast_to(value, (trace.examples, *eq.symbol.shape))
        text = repr(value.tolist()).replace("inf", 'float("inf")').replace("nan", 'float("nan")')
        yield f"    {names[eq.symbol.key]!r}: {text},"
    yield "}"
    yield "for name, theirs in expected.items():"
    yield f"    ours = {numpy}.asarray(globals()[name])"
    yield f"    same = {numpy}.allclose(ours, {numpy}.asarray(theirs), rtol=1e-9, atol=1e-12)"
    same, other = say("the same"), say("DIFFERENT")
    yield f"    print(f\"{{{same.ljust(len(other))!r} if same else {other.ljust(len(same))!r}}} {{name}}\")"
