"""Slips about paths, indices and factors on the way back through the weights. `rewriting.py` has what an entry is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

from tutor.engine.expressions import ONE, Call, Expr, Ref, call, refs, rewrite
from tutor.engine.ids import updated
from tutor.questions.misconceptions.arrays import local_alone
from tutor.questions.misconceptions.rewriting import (
    ERRORS,
    NEAR,
    Misconception,
    Site,
    args,
    calls,
    columns,
    gate_parts,
    has,
    is_slope,
    put,
    repeated,
    shifts,
    swap,
)

MANY_PATHS = 100  # nobody multiplies more, and what comes out has no digits left

# ---------------------------------------------------------------- paths, transposes, indices


def _backward_product(site: Site) -> Call | None:
    f = site.formula
    if isinstance(f, Call) and f.op == "matmul" and has(f.args[0], "transpose"):
        return f
    return None


def _one_path(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient" and f.args[1].shape[0] > 1:
        (W,) = args(f.args[0])
        for k in range(min(f.args[1].shape[0], 16)):
            yield Call("path", (W, f.args[1]), k)


def _paths_multiplied(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient" and 1 < f.args[1].shape[0] <= MANY_PATHS:
        (W,) = args(f.args[0])
        yield call("path_product", W, f.args[1])


def _transpose_missing(site: Site) -> Iterator[Expr]:
    """W · δ; where W is wider than high, as far as its rows go."""
    f = _backward_product(site)
    if f and site.rule == "activation_gradient":
        (W,) = args(f.args[0])
        if 1 < W.shape[0] <= W.shape[1]:
            yield call("matmul", W, f.args[1]) if W.shape[0] == W.shape[1] else call("by_rows", W, f.args[1])


def _to_and_from(site: Site) -> Iterator[Expr]:
    """The outer product the wrong way round; a weight matrix read by columns."""
    f = site.formula
    square = isinstance(f, Call) and f.op == "outer" and f.args[0].shape == f.args[1].shape and f.args[0].shape[0] > 1
    if square and site.layers and isinstance(f, Call):  # in an author's own equations a factor is turned
        yield call("outer", f.args[1], f.args[0])
    if site.rule == "pre_activation":
        yield from swap(
            site,
            lambda n: n.op == "matmul" and n.args[0].shape[0] == n.args[0].shape[1] > 1,
            lambda n: call("matmul", call("transpose", n.args[0]), n.args[1]),
        )


def _neighbour(site: Site) -> Iterator[Expr]:
    """A vector of the formula read one place (or more) further on."""
    if site.rule not in ("pre_activation", "activation_gradient", "weight_gradient", "pre_activation_gradient"):
        return
    for ref in refs(site.formula):
        if len(ref.symbol.shape) == 1 and ref.symbol.shape[0] > 1 and not _only_in_slope(site.formula, ref):
            for shift in shifts(ref.symbol.shape[0]):
                yield from put(site.formula, ref, Call("roll", (ref,), shift))


def _only_in_slope(formula: Expr, ref: Ref) -> bool:
    """Whether a value occurs only inside a slope: its neighbour's slope has an entry of its own."""
    outside = rewrite(formula, lambda n: ONE if is_slope(n) else None)
    return ref not in refs(outside)


def _weight_of_neighbour(site: Site) -> Iterator[Expr]:
    """The weights of another unit: a neighbouring row (forward) or column (backward) of the matrix."""
    size = site.equation.symbol.shape[0] if site.rule in ("pre_activation", "activation_gradient") else 0
    for node in calls(site.formula):
        if node.op == "matmul":
            for shift in shifts(size) if size > 1 else ():
                yield from put(site.formula, node, Call("roll", (node,), shift))


def _input_for_activation(site: Site) -> Iterator[Expr]:
    """The network's input (or another layer's activation) where this layer's own is meant, and the reverse."""
    if site.rule not in ("weight_gradient", "pre_activation"):
        return
    model = site.program.model
    known = [model.units(k) for k in range(len(model.layers) + 1)] if model.layers else []
    for ref in refs(site.formula):
        for other in known if ref.symbol.quantity in ("input", "activation") else ():
            if other == ref.symbol or other.shape != ref.symbol.shape:
                continue
            if site.rule == "weight_gradient" or (other.layer or 0) < (site.equation.symbol.layer or 0):
                yield from put(site.formula, ref, Ref(other))


def _pre_activation_for_activation(site: Site) -> Iterator[Expr]:
    """In the backward pass; in the forward pass the same slip is an activation that was skipped.

    A linear layer has no such slip: its pre-activation is its activation.
    """
    for ref in refs(site.formula) if site.rule in ("weight_gradient", *ERRORS) else ():
        layer = site.program.model.layer_of(ref.symbol)
        if ref.symbol.quantity == "activation" and layer and layer.activation_name != "linear":
            yield from put(site.formula, ref, Ref(layer.pre_activation))


def _updated_weight(site: Site) -> Iterator[Expr]:
    if site.equation.phase != "backward":
        return
    for ref in refs(site.formula):
        new = site.symbol(updated(ref.symbol.id))
        if ref.symbol.quantity == "weights" and new:
            yield from put(site.formula, ref, Ref(new))


def _wrong_layer(site: Site) -> Iterator[Expr]:
    """The same gradient of another layer, where it has the same shape."""
    symbol = site.equation.symbol
    for eq in site.program.equations if symbol.quantity == "gradient" and symbol.wrt and symbol.layer else ():
        other = eq.symbol
        alike = replace(other, id=symbol.id, layer=symbol.layer, wrt=symbol.wrt) == symbol
        if alike and other.layer != symbol.layer and other.wrt.quantity == symbol.wrt.quantity:  # type: ignore[union-attr]
            yield Ref(other)


def _bias_times_activation(site: Site) -> Iterator[Expr]:
    if site.rule not in ("bias_gradient", "shared_bias_gradient"):
        return
    a = site.layer.feeds if site.layer else None
    if a:
        for j in range(min(a.shape[0], 8)):
            yield site.formula * Ref(a, (j,))


# ---------------------------------------------------------------- factors lost or exchanged


def _upstream_lost(site: Site) -> Iterator[Expr]:
    """The local factor alone: σ′, W, or the value that a weight carries."""
    f = site.formula
    if site.rule == "pre_activation_gradient" and isinstance(f, Call) and f.op == "mul" and is_slope(f.args[1]):
        yield f.args[1]
    if site.rule == "activation_gradient" and (back := _backward_product(site)):
        yield call("column_sums", args(back.args[0])[0])
    if site.rule == "weight_gradient" and isinstance(f, Call) and f.op == "outer":
        yield call("rows", f.args[1], f.args[0])
    if site.rule == "bias_gradient" and isinstance(f, Ref):
        yield ONE
    if site.flows:
        yield from local_alone(site)
        return
    for part in gate_parts(site):
        if part.upstream != ONE:
            yield from site.with_part(part, part.local)


def _carried_value_lost(site: Site) -> Iterator[Expr]:
    f = site.formula
    if site.rule == "weight_gradient" and isinstance(f, Call) and f.op == "outer":
        yield columns(*f.args)


def _weight_skipped(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient":
        yield call("sum", f.args[1])


def _weight_for_activation(site: Site) -> Iterator[Expr]:
    """δ · w where δ · a is meant, and the reverse."""
    f, layer = site.formula, site.layer
    if site.rule == "weight_gradient" and isinstance(f, Call) and f.op == "outer" and layer:
        yield columns(*f.args) * Ref(layer.weights)
    if site.rule == "activation_gradient" and layer and (back := _backward_product(site)):
        yield call("sum", back.args[1]) * Ref(layer.activation)


def _shares(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient" and f.args[0].shape[0] > 1:
        (W,) = args(f.args[0])
        yield call("matmul", call("transpose", call("shares", W)), f.args[1])


def _path_missing(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient" and 3 <= f.args[1].shape[0] <= 8:
        (W,) = args(f.args[0])
        for k in range(f.args[1].shape[0]):
            yield Call("without_path", (W, f.args[1]), k)


def _unit_twice(site: Site) -> Iterator[Expr]:
    """One term of a sum taken for another as well: its value, or its value and its weight."""
    sums = ("pre_activation", "activation_gradient")
    for node in calls(site.formula) if site.rule in sums else ():
        size = node.args[1].shape[0] if node.op == "matmul" else 0
        for kept, missing in permutations(range(size), 2) if size <= 3 else ():
            W, x = node.args
            yield from put(site.formula, node, call("matmul", repeated(W, kept, missing), repeated(x, kept, missing)))
            if size == 2:
                yield from put(site.formula, node, call("matmul", W, repeated(x, kept, missing)))


# ---------------------------------------------------------------- the table


def _one_unit_alone(site: Site) -> Iterator[Expr]:
    """Of a bias that units share the error of one of them, or the mean of them all."""
    if site.rule == "shared_bias_gradient" and isinstance(site.formula, Call):
        (errors,) = site.formula.args
        if isinstance(errors, Ref) and errors.shape[0] > 1:
            yield from (Ref(errors.symbol, (i,)) for i in range(min(errors.shape[0], 8)))
            yield site.formula / errors.shape[0]


TABLE: dict[str, Misconception] = {
    "shared-bias-of-one-unit": Misconception(
        "the shared bias's gradient was taken from one unit, or averaged",
        "A bias that all units of a layer share moves each of them: its gradient is the sum of their errors.",
        _one_unit_alone,
    ),
    "one-path": Misconception(
        "only one of several paths was taken",
        "Blame comes back along every path; the products of all of them are added.",
        _one_path,
    ),
    "paths-multiplied": Misconception(
        "the paths were multiplied instead of added",
        "Multiply along a path, add over paths.",
        _paths_multiplied,
    ),
    "transpose-missing": Misconception(
        "the transpose is missing",
        "Going back, a unit collects along its column of W: Wᵀ, not W.",
        _transpose_missing,
        seen="https://github.com/makeyourownneuralnetwork/makeyourownneuralnetwork/issues/77",
    ),
    "to-and-from": Misconception(
        "to and from were swapped",
        "The row says which unit the weight feeds, the column which value it carries.",
        _to_and_from,
    ),
    "neighbour": Misconception(
        "a neighbour's value was used",
        "Check the indices: the error of the unit that is fed, the value that the weight carries.",
        _neighbour,
        reach=NEAR,
    ),
    "weight-of-neighbour": Misconception(
        "another unit's weights were used",
        "Each unit has a row of weights of its own for what feeds it, and a column for what it feeds.",
        _weight_of_neighbour,
        reach=0,
    ),
    "input-for-activation": Misconception(
        "the values of another layer were used",
        "A weight carries what the layer just before it said: the input only for the first layer.",
        _input_for_activation,
    ),
    "pre-activation-for-activation": Misconception(
        "the pre-activation was used where the activation is meant",
        "What a unit says to others is g(z), not its sum z.",
        _pre_activation_for_activation,
        seen="https://github.com/maziarraissi/backprop/issues/1",
    ),
    "updated-weight": Misconception(
        "the weight after the update was used",
        "All gradients are taken with the weights of the forward pass; the updates come after.",
        _updated_weight,
        seen="https://github.com/Bot-Academy/NeuralNetworkFromScratch/pull/3",
    ),
    "wrong-layer": Misconception(
        "this is the gradient of another layer",
        "Look at the layer's number: each layer's gradient is built on its own error.",
        _wrong_layer,
    ),
    "bias-times-activation": Misconception(
        "the bias's gradient was multiplied by an activation",
        "A bias is added as it is: its gradient is the unit's error itself.",
        _bias_times_activation,
        seen="https://github.com/rust0258/Deeplearning.ai-Natural-Language-Processing-Specialization/pull/70",
    ),
    "path-missing": Misconception(
        "one of the paths is missing",
        "Blame comes back along every path; the products of all of them are added.",
        _path_missing,
        reach=NEAR,
        rare=True,
    ),
    "unit-twice": Misconception(
        "the same unit was used twice in the sum",
        "Each term of the sum belongs to another unit: go through all of them, each once.",
        _unit_twice,
        reach=0,
        rare=True,
    ),
    "upstream-lost": Misconception(
        "only the local factor was given",
        "A gradient is what comes back from later times the local factor: this is the factor alone.",
        _upstream_lost,
        reach=NEAR,
        rare=True,
        seen="https://github.com/haifengl/smile/issues/528",
    ),
    "carried-value-lost": Misconception(
        "the value that the weight carries was left out",
        "A weight's gradient is the error of the unit that it feeds times the value that it carries.",
        _carried_value_lost,
        reach=NEAR,
        rare=True,
    ),
    "weight-skipped": Misconception(
        "a weight was skipped on the way back",
        "What goes back through a weight is multiplied by it, as what went forward was.",
        _weight_skipped,
        reach=NEAR,
        rare=True,
    ),
    "weight-for-activation": Misconception(
        "weight and activation were exchanged",
        "A weight's gradient takes the activation that it carries; an activation's takes the weights.",
        _weight_for_activation,
        reach=0,
        rare=True,
    ),
    "shares-of-weights": Misconception(
        "the error was split by the shares of the weights",
        "Nothing is divided by a sum of weights: each path is multiplied by its weight as it is.",
        _shares,
        reach=NEAR,
        rare=True,
        seen="https://fliphtml5.com/zojva/gabd/bernd_klein_python_and_machine_learning_a4/167",
    ),
}
