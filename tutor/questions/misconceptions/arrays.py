"""Slips about arrays in general: which way round a factor stands, along which axis, and what was repeated.

See `rewriting.py` for what an entry is.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from tutor.engine.backprop import parts_back
from tutor.engine.expressions import ONE, Call, Expr, Ref, call, refs, rewrite
from tutor.engine.products import turned
from tutor.questions.misconceptions.array_operators import repeats
from tutor.questions.misconceptions.reversing import Parts, back, forward, put_together
from tutor.questions.misconceptions.rewriting import (
    NEAR,
    Misconception,
    Site,
    both,
    calls,
    columns,
    put,
    shifts,
    slopes,
)
from tutor.questions.misconceptions.structure import Structure

# ---------------------------------------------------------------- products


def _turnings(x: Expr, y: Expr, right: Expr) -> Iterator[Expr]:
    """x · y with a factor transposed, or in the other order, as far as the shape is the right one's."""
    seen = {_vector_last(right)}
    xs, ys = ([x, turned(x)] if len(x.shape) > 1 else [x]), ([y, turned(y)] if len(y.shape) > 1 else [y])
    for one in xs:
        for other in ys:
            for pair in ((one, other), (other, one)):
                try:
                    found = call("matmul", *pair)
                except ValueError:
                    continue
                if found.shape == right.shape and _vector_last(found) not in seen:
                    seen.add(_vector_last(found))
                    yield found
    if isinstance(right, Call) and right.op == "outer" and len(set(right.shape)) == 1:
        yield call("outer", *right.args[::-1])


def _factor_left_out(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    """Of W · v to W what comes back to each row, without the number of v that it met there."""
    x, y = node.args
    if [len(arg.shape) for arg in (x, y)] == [2, 1] and G.shape == node.shape:
        yield columns(G, y), call("matmul", turned(x), G)


def _matrix_skipped(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    """Of W · v to v, where W is square, what came back to the product."""
    x, y = node.args
    if [len(arg.shape) for arg in (x, y)] == [2, 1] and G.shape == node.shape == y.shape:
        yield call("outer", G, y), G


def _vector_last(product: Expr) -> Expr:
    """v · M as the Mᵀ · v that it is, so that the same is not taken for another."""
    if isinstance(product, Call) and product.op == "matmul" and [len(arg.shape) for arg in product.args] == [1, 2]:
        return call("matmul", turned(product.args[1]), product.args[0])
    return product


def _turned_back(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    x, y = node.args
    if len(x.shape) < 2 or G.shape != node.shape or not node.shape:
        return
    own = (call("outer", G, y), call("matmul", turned(x), G)) if len(y.shape) == 1 else (
        call("matmul", G, turned(y)), call("matmul", turned(x), G)
    )  # fmt: skip
    for wrong in _turnings(G, y, own[0]):
        yield wrong, own[1]
    for wrong in _turnings(x, G, own[1]):
        yield own[0], wrong


def _turned_forward(site: Site) -> Iterator[Expr]:
    if (f := forward(site)) is not None:
        for node in dict.fromkeys(node for node in calls(f) if node.op == "matmul"):
            if prod(node.shape) > 1:
                for wrong in _turnings(node.args[0], node.args[1], node):
                    yield from put(f, node, wrong)


def _element_by_element(site: Site) -> Iterator[Expr]:
    if (f := forward(site)) is not None or site.flows:
        formula = f or site.formula
        for node in dict.fromkeys(node for node in calls(formula) if node.op == "matmul"):
            x, y = node.args
            if x.shape == y.shape == node.shape and prod(node.shape) > 1:
                yield from put(formula, node, call("mul", x, y))


# ---------------------------------------------------------------- axes, and what was repeated


def _not_summed(site: Site) -> Iterator[Expr]:
    """One of the terms that what a value was repeated for sends back."""
    if not site.flows or site.rule == "uses":
        return
    for node in dict.fromkeys(calls(site.formula)):
        if node.op == "sum_to" or (node.op == "sum" and node.param is None and site.shape == ()):
            like: Expr = node.args[1] if node.op == "sum_to" else Ref(site.equation.symbol)
            count = prod(repeats(node.args[0].shape, like.shape))
            for term in range(count) if 1 < count <= 8 else (0, count - 1) if count > 1 else ():
                yield from put(site.formula, node, call("term", node.args[0], like, param=term))


_REDUCTIONS = ("sum", "average", "variance", "reduce_max", "reduce_min")


def _wrong_axis(site: Site) -> Iterator[Expr]:
    if (f := forward(site)) is not None:
        for node in dict.fromkeys(calls(f)):
            rank = len(node.args[0].shape) if node.args else 0
            if node.op in _REDUCTIONS and node.param is not None and rank > 1:
                others = [call(node.op, *node.args, param=axis) for axis in (-1, -2) if axis != node.param]
            elif node.op == "norm" and rank > 1:
                axis, eps = node.param
                others = [call("norm", *node.args, param=(other, eps)) for other in (-1, -2) if other != axis]
            else:
                continue
            for other in others:
                if other.shape == node.shape:
                    yield from put(f, node, other)
    elif site.flows and site.rule != "uses":
        for node in dict.fromkeys(calls(site.formula)):
            if node.op == "sum_to" and len(node.args[0].shape) == 2 and len(node.shape) == 1:
                other = call("sum", node.args[0], param=-1)
                if other.shape == node.shape and node.shape != (1,):
                    yield from put(site.formula, node, other)


def _term_left_out(site: Site) -> Iterator[Expr]:
    """A sum without one of its terms that stands by itself, as a bias does."""
    if (f := forward(site)) is not None and f.op == "add" and len(f.args) > 1:
        for at, arg in enumerate(f.args):
            if isinstance(arg, Ref) and arg.symbol.quantity == "circuit_input" and arg.symbol in _given(site):
                rest = [*f.args[:at], *f.args[at + 1 :]]
                yield rest[0] if len(rest) == 1 else call("add", *rest)


def _given(site: Site) -> tuple[object, ...]:
    return (*site.program.model.parameters, *site.program.model.fixed)


# ---------------------------------------------------------------- factors


def local_alone(site: Site) -> Iterator[Expr]:
    """A gradient where what comes back to one of its gates was not multiplied in."""
    if not site.flows or site.rule == "uses":
        return
    model, symbol = site.program.model, site.equation.symbol
    gates = site.gates
    for gate in gates:
        if gate.symbol == model.output:
            continue
        alone = parts_back(model, symbol, gate, upstream=call("expand", ONE, Ref(gate.symbol)))
        if not any(isinstance(node, Ref) for part in alone for node in _values(part)):
            continue
        parts: list[Expr] = []
        for other in gates:
            parts += alone if other is gate else [flow.part for flow in site.flows if flow.gate is other]
        yield from put_together(site, parts)


def _values(part: Expr) -> Iterator[Expr]:
    """The leaves of a part, but for those of what only a shape is asked of."""
    stack = [part]
    while stack:
        node = stack.pop()
        if isinstance(node, Call):
            stack += node.args[:1] if node.op in ("expand", "spread", "sum_to") else node.args
        else:
            yield node


def _other_element(site: Site) -> Iterator[Expr]:
    """A vector of the formula read one place (or more) further on."""
    f = forward(site) or (site.formula if site.flows and site.rule != "uses" else None)
    if f is None or len(site.shape) != 1 or site.shape[0] == 1:
        return
    steep = slopes(f)
    for slope in steep:
        if slope.shape == site.shape:
            for shift in shifts(slope.shape[0]):
                yield from put(f, slope, call("roll", slope, param=shift))
    for ref in refs(rewrite(f, lambda n: ONE if n in steep else None)):
        if ref.index is None and ref.shape == site.shape and ref.shape[0] > 1:
            for shift in shifts(ref.shape[0]):
                yield from put(f, ref, call("roll", ref, param=shift))


TABLE: dict[str, Misconception] = {
    "factor-turned": Misconception(
        "a factor of the product is transposed, is not, or stands on the wrong side",
        "Rows meet columns, and the shapes say which way: of Y = A·B, what comes back is G·Bᵀ to A and Aᵀ·G to B.",
        both(_turned_forward, back(matmul=_turned_back)),
    ),
    "factor-left-out": Misconception(
        "the other factor of the product was left out",
        "What comes back to a factor of a product is multiplied by the other factor.",
        back(matmul=_factor_left_out),
        reach=NEAR,
        rare=True,
    ),
    "matrix-skipped": Misconception(
        "the matrix was skipped on the way back",
        "What goes back through a matrix is multiplied by it, transposed: each number hears from every row.",
        back(matmul=_matrix_skipped),
        reach=NEAR,
        rare=True,
    ),
    "element-by-element": Misconception(
        "matrices were multiplied element by element",
        "A product of matrices is row by column: each number is a sum of products.",
        _element_by_element,
    ),
    "repeats-not-summed": Misconception(
        "what comes back to a value that was repeated was not added up",
        "A value that is used in every row (or place) moves them all: its gradient is the sum over them.",
        _not_summed,
        seen="https://github.com/deeplearning4j/nd4j/issues/2424",
    ),
    "wrong-axis": Misconception(
        "it was taken along the wrong axis",
        "Look at which axis goes away: axis=0 goes down the columns, the last axis along each row.",
        _wrong_axis,
    ),
    "term-left-out": Misconception(
        "a term of the sum was left out",
        "Go through the equation term by term: what is added on its own counts, too.",
        _term_left_out,
        rare=True,
    ),
    "other-element": Misconception(
        "another element's value was used",
        "Check the places: element i of the result is made of the elements i.",
        _other_element,
        reach=0,
        rare=True,
    ),
}
