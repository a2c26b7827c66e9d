"""Paths, the reuse tally and the derivations, against paths listed one by one and the oracle's gradients."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import oracle
from strategies import circuit_lesson, circuits, dense, network_lesson, networks, oracle_network
from test_plain import answers
from tutor.engine.combined_error import derivation
from tutor.engine.expressions import Call, Ref, Symbol, element, indices, refs, walk
from tutor.engine.forward import model
from tutor.engine.paths import ALL, LISTED, Paths, target
from tutor.engine.program import Program
from tutor.engine.reuse import of_parameters, tally
from tutor.engine.trace import as_shown, trace
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.text.card import Scribe, big_count
from tutor.text.layout import linear, number
from tutor.text.lines import reuse_lines
from tutor.text.notations import NOTATIONS


def of(found, id, *index) -> Ref:
    """An element of a value by its id, counted from 0."""
    known = {symbol.id: symbol for symbol in (*found.program.symbols.values(), *found.program.model.parameters)}
    return Ref(known[id], index or None)


def close(value, true, scale) -> bool:
    return abs(oracle.mpf(float(value)) - true) <= 1e-10 * scale + oracle.mpf(10) ** -25


# ---------------------------------------------------------------- networks, every path listed


def every_path(net, x, y, k, i):
    """The product of local derivatives of every path from z_k[i] to the loss, in 60 digits; in order of the units.

    Each local derivative is a finite difference of its own piece of the network.
    """
    passes, last = net.forward(x), len(net.layers)
    layer, (z, a) = net.layers[k - 1], passes[k - 1]
    if k == last and "entropy" in net.cost:  # the path ends at the output's error
        return [oracle.slope(lambda v: oracle.loss_of_pre_activation(net.cost, y, [*z[:i], v, *z[i + 1 :]]), z[i])]
    of_a = oracle.slope(lambda v: layer.a([*z[:i], v, *z[i + 1 :]]), z[i])  # of every unit of the layer
    reached = range(len(a)) if layer.activation == "softmax" else [i]
    if k == last:
        of_loss = [
            oracle.slope(
                lambda v, m=m: oracle.loss_of_prediction(net.cost, y, [*a[:m], v, *a[m + 1 :]], net.delta), a[m])
            for m in reached
        ]
        return [of_a[m] * up for m, up in zip(reached, of_loss, strict=True)]
    above = net.layers[k]
    return [
        of_a[i] * above.W[m][i] * product for m in range(len(above.W)) for product in every_path(net, x, y, k + 1, m)
    ]


@settings(max_examples=40, deadline=None)
@given(networks(max_depth=3, max_width=4), st.data())
def test_paths_of_networks(lesson, data):
    found, net = trace(lesson), oracle_network(lesson)
    e = data.draw(st.integers(0, found.examples - 1))
    row = found.iteration.rows[e]
    x, y = oracle.exact(lesson.inputs[row]), oracle.exact(lesson.targets[row])
    assume(net.kink(x, y) > 1e-9)
    all_paths = Paths(found, e)
    k = data.draw(st.integers(1, len(net.layers)))
    i = data.draw(st.integers(0, len(net.layers[k - 1].W) - 1))
    before = net.forward(x)[k - 2][1] if k > 1 else x
    j = data.draw(st.integers(0, len(before) - 1))
    single = every_path(net, x, y, k, i)
    for at, carried in ((of(found, f"z{k}", i), 1), (of(found, f"W{k}", i, j), before[j])):
        true = [product * carried for product in single]
        # A slope such as 1 − a² loses digits where a is near 1: a little of the terms it is the difference of.
        scale = sum(map(abs, true)) + net.scales(x, y)[f"z{k}"][i] * abs(carried) * oracle.mpf(10) ** -4
        chain = all_paths.chain(at)
        assert (chain.count, chain.zero) == (len(true), sum(t == 0 for t in true))
        assert close(chain.total, sum(true), scale)
        assert all(path.factors[-1].bottom.id.partition("@")[0] == at.id for path in chain.paths)
        assert {path.factors[0].top.symbol.id for path in chain.paths} == {"L"}
        listed = [path.product for path in chain.paths]
        if len(true) <= ALL:
            assert chain.rest is None
            assert all(close(p, t, scale) for p, t in zip(listed, true, strict=True))
        else:
            largest = sorted(true, key=lambda p: -abs(p))[:LISTED]
            assert len(listed) == LISTED
            assert all(close(abs(p), abs(t), scale) for p, t in zip(listed, largest, strict=True))
            assert close(chain.rest, sum(true) - sum(oracle.mpf(p) for p in listed), scale)


def test_the_seven_factors_of_two_paths():
    """A weight of the first of three layers, two paths through the second: the classic worked by hand."""
    weights = ([[0.5]], [[0.4], [-0.7]], [[0.3, 0.9]])
    layers = [dense(W, None, "sigmoid") for W in weights]
    lesson = network_lesson(layers, "half_squared_error", [[1.5]], [[1]])
    found = trace(lesson)
    chain = Paths(found).chain(of(found, "W1", 0, 0))
    value = found.iteration.values
    (a1,), (p, q), (out,) = (value[f"a{k}"] for k in (1, 2, 3))
    head, tail = (out - 1) * out * (1 - out), a1 * (1 - a1) * 1.5
    by_hand = [head * 0.3 * p * (1 - p) * 0.4 * tail, head * 0.9 * q * (1 - q) * -0.7 * tail]
    assert [len(path.factors) for path in chain.paths] == [7, 7]
    assert [path.product for path in chain.paths] == pytest.approx(by_hand, rel=1e-12)
    assert chain.total == pytest.approx(sum(by_hand), rel=1e-12)
    assert chain.paths[1].places == (
        ("W1", (0, 0)), ("z1", (0,)), ("a1", (0,)), ("W2", (1, 0)), ("z2", (1,)), ("a2", (1,)),
        ("W3", (0, 1)), ("z3", (0,)), ("a3", (0,)), ("L", ()),
    )  # fmt: skip


def wide(activation="relu", widths=(30, 30, 30, 30, 10)):
    rng = np.random.default_rng(3)
    layers = [
        dense(rng.normal(0, 0.3, (n, m)), rng.normal(0, 0.1, n), activation if k < len(widths) - 1 else "softmax")
        for k, (m, n) in enumerate(pairwise(widths), start=1)
    ]
    inputs, targets = rng.normal(0, 1, (1, widths[0])), np.eye(widths[-1])[[2]]
    return trace(network_lesson(layers, "cross_entropy", inputs, targets))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_nine_thousand_paths(activation):
    found = wide(activation)
    value = found.iteration.values
    chain = Paths(found).chain(of(found, "W1", 3, 4))
    slope = {k: (value[f"z{k}"] > 0) * 1.0 if activation == "relu" else 1 - value[f"a{k}"] ** 2 for k in (1, 2, 3)}
    error = found.value(Ref(found.program.by_key["dL/dz4"].symbol))
    products = np.einsum(
        "o,on,n,nm,m,m->onm", error, value["W4"], slope[3], value["W3"], slope[2], value["W2"][:, 3]
    ) * (slope[1][3] * value["x"][4])
    order = sorted(products.ravel(), key=lambda p: -abs(p))
    assert chain.count == 9000 == products.size
    assert chain.zero == int((products == 0).sum())
    assert [path.product for path in chain.paths] == pytest.approx(order[:LISTED], rel=1e-12)
    assert chain.rest == pytest.approx(sum(order[LISTED:]), rel=1e-9)


def test_a_dead_unit_carries_nothing():
    found = trace(
        network_lesson([dense([[-1.0], [1.0]], None, "relu"), dense([[2.0, 3.0]])], "squared_error", [[1.0]], [[0.0]])
    )
    all_paths = Paths(found)
    dead, alive = (all_paths.chain(of(found, "W1", i, 0)) for i in (0, 1))
    assert (dead.count, dead.zero, dead.total, dead.paths[0].product) == (1, 1, 0, 0)
    assert (alive.count, alive.zero, alive.total) == (1, 0, 2 * 3.0 * 3.0)


def test_a_confident_mistake_is_no_infinity_times_zero():
    """σ(−800) is 0 in float64, so ∂L/∂ŷ is infinite and σ′ is 0: the path ends at the output's error, −1."""
    layers = [dense([[2.0]], None, "linear"), dense([[-400.0]], [0.0], "sigmoid")]
    found = trace(network_lesson(layers, "binary_cross_entropy", [[1.0]], [[1.0]]))
    chain = Paths(found).chain(of(found, "W1", 0, 0))
    assert chain.total == chain.paths[0].product == 400
    assert all(np.isfinite(factor.value) for factor in chain.paths[0].factors)
    with np.errstate(all="raise"):  # the lines that float64 cannot hold are left out, the result is not
        lines = derivation(found.find("dL/dz2[1]"))
    assert lines[-1].value == -1 and all(np.all(np.isfinite(line.value)) for line in lines)
    # ∂L/∂ŷ has a chain of its own: one factor, as infinite as the step says.
    assert Paths(found).chain(of(found, "a2", 0)).paths[0].product == -np.inf


# ---------------------------------------------------------------- circuits and depth


def paths_upward(forward, symbol, output):
    """Every path from a symbol to the output as the symbols that it goes through."""
    if symbol == output:
        return [[output]]
    users = [eq.symbol for eq in forward if symbol in [ref.symbol for ref in refs(eq.formula)]]
    return [[symbol, *path] for user in users for path in paths_upward(forward, user, output)]


def near_one():
    """A circuit whose slope is the logarithm of a number beside 1, which float64 has to 9 digits alone."""
    lines = [("s", ("+", 1.0, "y")), ("f", ("**", ("erf", "s"), "x"))]
    return circuit_lesson(["s = 1 + y", "f = erf(s) ** x"], "f", None, x=0.0, y=2.69), {"x": 0.0, "y": 2.69}, lines, "f"


@settings(max_examples=60, deadline=None)
@example(near_one())
@given(circuits())
def test_paths_of_circuits(case):
    lesson, inputs, lines, output = case
    found = trace(lesson)
    all_paths, forward = Paths(found), model(lesson).forward
    scales = oracle.path_sums(inputs, lines, output)
    for name in inputs:
        routes = paths_upward(forward, Symbol(name, (), "circuit_input"), found.program.model.output)
        assume(len(routes) <= 300)
        chain = all_paths.chain(of(found, name))
        assert chain.count == len(routes)
        assert close(chain.total, oracle.circuit_gradient(inputs, lines, output, name), scales[name])
        taken = [[ref.symbol for ref in reversed(path.nodes)] for path in chain.paths]
        assert all(route in routes for route in taken) and len({tuple(route) for route in taken}) == len(taken)
        if chain.count <= ALL:  # listed one by one, they add up to the gradient
            assert close(sum(path.product for path in chain.paths), oracle.mpf(chain.total), scales[name])


def doubling(gates: int):
    """x0, then x1 = 0.5 x0 + 0.6 x0 by two gates of their own, and so on: two ways a line."""
    lines = []
    for k in range(gates):
        lines += [f"p{k} = u * x{k}", f"q{k} = v * x{k}", f"x{k + 1} = p{k} + q{k}"]
    return trace(circuit_lesson(lines, x0=1.0, u=0.5, v=0.6))


def test_more_paths_than_could_ever_be_listed():
    found = doubling(400)
    chain = Paths(found).chain(of(found, "x0"))
    assert chain.count == 2**400
    assert chain.zero is None
    assert big_count(chain.count) == "2.582×10¹²⁰"
    assert chain.total == pytest.approx(1.1**400, rel=1e-12)
    products = [path.product for path in chain.paths]
    assert products == pytest.approx([0.6**400, *[0.6**399 * 0.5] * 4], rel=1e-9)  # always v; u once
    assert chain.rest == pytest.approx(1.1**400, rel=1e-9)


def test_any_depth():
    layers = [dense([[0.7, 0.2], [0.1, 0.9]], None, "tanh") for _ in range(300)]
    found = trace(network_lesson([*layers, dense([[1.0, 1.0]])], "squared_error", [[0.5, -0.5]], [[1.0]]))
    all_paths = Paths(found)
    chain = all_paths.chain(of(found, "W1", 0, 0))
    assert chain.count == 2**299
    assert len(chain.paths) == LISTED and len(chain.paths[0].factors) == 2 * 300 + 3
    assert of_parameters(found.program)[1] > 2**299


def test_a_value_used_twice_in_a_line_is_one_link():
    found = trace(circuit_lesson(["f = x * x + y"], x=3.0, y=1.0))
    chain = Paths(found).chain(of(found, "x"))
    assert [factor.value for factor in chain.paths[0].factors] == [1, 6]
    assert chain.count == 1 and chain.total == 6


def test_what_does_not_reach_the_output_has_no_path():
    found = trace(circuit_lesson(["g = x * y", "f = x + 1"], "f", x=3.0, y=1.0))
    chain = Paths(found).chain(of(found, "y"))
    assert (chain.paths, chain.count, chain.total, chain.rest) == ((), 0, 0, None)


def test_what_a_step_has_a_chain_of():
    found = trace(load(catalogue.find("p-deep")))
    assert target(found.find("dL/dW2[1,2]")) == of(found, "W2", 0, 1)
    assert target(found.find("dL/dz2")) == of(found, "z2", 0)
    assert target(found.find("W2'[2,1]")) == of(found, "W2", 1, 0)
    assert target(found.find("z2")) is target(found.find("da2/dz2")) is target(found.find("L")) is None


# ---------------------------------------------------------------- the tally


def multiplications(lesson) -> int:
    """Products of a gradient and something else in the scalar view of the backward equations."""
    count = 0
    for eq in Program(lesson).equations:
        if eq.phase == "backward" and eq.rule != "combined_error":
            for index in indices(eq.symbol.shape):
                for node in walk(element(eq.formula, index)):
                    if isinstance(node, Call) and node.op == "mul":
                        count += any(isinstance(arg, Ref) and arg.symbol.quantity == "gradient" for arg in node.args)
    return count


def by_listing(lesson) -> int:
    """One multiplication fewer than factors, for every path to every element; factors that are always 1 left out."""
    network = lesson.network
    widths = [network.inputs, *(layer.units for layer in network.layers)]
    last = len(network.layers)
    combined = "entropy" in network.loss
    total = 0
    for k in range(1, last + 1):
        between = widths[k + 1 :]  # the units that a path may choose from after those of layer k
        for at, ends in (
            ("a", 1),
            ("z", 1),
            ("W", widths[k - 1]),
            ("b", 1 if network.layers[k - 1].biases is not None else 0),
        ):
            factors = last - k + 1  # ∂L/∂(output), and ∂z/∂a of each layer above
            slopes = range(k + (at == "a"), last + 1)  # the activations that it passes
            factors += sum(network.layers[m - 1].activation != "linear" for m in slopes if not (combined and m == last))
            factors += at == "W"
            softmax = network.layers[-1].activation == "softmax" and not combined and not (k == last and at == "a")
            paths = prod(between) * (widths[-1] if softmax else 1)
            total += ends * widths[k] * paths * (factors - 1)
    return total


@settings(max_examples=60, deadline=None)
@given(networks(max_depth=4, max_width=4, max_examples=1))
def test_the_tally_counts_what_the_equations_multiply(lesson):
    last = list(tally(Program(lesson)).values())[-1]
    assert last.so_far == multiplications(lesson)
    assert last.by_path_so_far == by_listing(lesson)
    assert last.so_far <= last.by_path_so_far


def test_the_tally_of_a_network_counted_by_hand():
    """2-2-1, sigmoid and binary cross-entropy, one line for each gradient."""
    program = trace(load(catalogue.find("o-classification"))).program
    assert {key: (found.here, found.here_by_path) for key, found in tally(program).items()} == {
        "dL/da2": (0, 0),
        "dL/dz2": (0, 0),
        "dL/dW2": (2, 2),  # e · O₁ and e · O₂
        "dL/db2": (0, 0),
        "dL/da1": (2, 2),
        "dL/dz1": (2, 4),  # path by path e · w · σ′, twice
        "dL/dW1": (4, 12),  # path by path e · w · σ′ · x, four times
        "dL/db1": (0, 4),
    }
    assert of_parameters(program) == (10, 18)


def test_a_batch_takes_the_same_an_example():
    lesson = load(catalogue.find("p-deep"))
    last, of_batch = (list(tally(Program(lesson, n)).values())[-1] for n in (1, 2))
    assert (last.so_far, last.by_path_so_far) == (of_batch.so_far, of_batch.by_path_so_far)
    assert of_parameters(Program(lesson)) == of_parameters(Program(lesson, 2))


# ---------------------------------------------------------------- derivations


@settings(max_examples=25, deadline=None)
@given(networks(max_depth=2, max_width=4))
def test_every_line_of_a_derivation_is_true(lesson):
    found, net = trace(lesson), oracle_network(lesson)
    for step in [s for level in ("matrix", "scalar") for s in found.steps(level)]:
        stages = derivation(step)
        assert bool(stages) == (step.equation.rule == "combined_error")
        if not stages:
            continue
        row = found.iteration.rows[step.example or 0]
        x, y = oracle.exact(lesson.inputs[row]), oracle.exact(lesson.targets[row])
        z, a = net.forward(x)[-1]
        for stage in stages:
            name = stage.line.name
            assert stage.line.reason
            if name is None:
                assert np.allclose(stage.value, step.value, rtol=1e-9, atol=1e-9)
            elif step.index is None or name.symbol.quantity == "node":
                continue
            elif name.symbol.of.quantity == "loss":
                (k,) = name.index
                true = oracle.slope(
                    lambda v, k=k: oracle.loss_of_prediction(net.cost, y, [*a[:k], v, *a[k + 1 :]], net.delta), a[k]
                )
                assert close(stage.value, true, 10 + abs(true))
            else:
                k, i = name.index if len(name.index) == 2 else (*name.index, *name.index)
                true = oracle.slope(lambda v, i=i: net.layers[-1].a([*z[:i], v, *z[i + 1 :]]), z[i])[k]
                assert close(stage.value, true, 10)
        assert stages[-1].line.formula == step.formula


def test_the_logistic_derivation_line_by_line():
    """A target between 0 and 1, so that neither half of the loss's factor is 0: z = (0.35, 0.4), y = (0.3, 1)."""
    weights = [[0.5, -0.3], [0.2, 0.4]]
    layers = [dense(weights, None, "sigmoid")]
    found = trace(network_lesson(layers, "binary_cross_entropy", [[1, 0.5]], [[0.3, 1]]))
    for cell, z, y in ((1, 0.35, 0.3), (2, 0.4, 1.0)):
        a = 1 / (1 + np.exp(-z))
        named, plain = {}, []
        for stage in derivation(found.find(f"dL/dz1[{cell}]")):
            name = stage.line.name
            (plain if name is None else named.setdefault(name.id, [])).append(stage.value)
        assert named[f"dL/da1[{cell}]"] == pytest.approx([-y / a + (1 - y) / (1 - a)] * 3)
        assert named["h"] == pytest.approx([1 / a]) and named["h′"] == pytest.approx([-np.exp(-z)])
        assert named[f"da1/dz1[{cell}]"] == pytest.approx([a * (1 - a)] * 2)
        assert plain == pytest.approx([a - y] * 3)


def test_the_quotient_rule_with_its_four_letters():
    """k = 4 outputs, true class l = 2: g and h, g′ and h′, and what they come to, at i = l and elsewhere."""
    scores = np.array([0.1, 0.7, -0.4, 1.2])
    found = trace(
        network_lesson([dense(np.diag(scores), None, "softmax")], "cross_entropy", [[1, 1, 1, 1]], [[0, 1, 0, 0]])
    )
    e = np.exp(scores)
    p = e / e.sum()
    for i in range(4):
        at = {}
        for stage in derivation(found.find(f"dL/dz1[{i + 1}]")):
            if stage.line.name:
                at.setdefault(stage.line.name.id, []).append(stage.value)
        same = float(i == 1)
        assert at["g"] == pytest.approx([e[1]]) and at["h"] == pytest.approx([e.sum()])
        assert at["g′"] == pytest.approx([same * e[1]]) and at["h′"] == pytest.approx([e[i]])
        assert at["dL/da1[2]"] == pytest.approx([-1 / p[1]])
        assert at[f"da1/dz1[2,{i + 1}]"] == pytest.approx([p[1] * (same - p[i])] * 2)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("id", ["o-classification", "p-deep"])
def test_derivations_show_numbers_that_come_out(id, notation):
    found = trace(load(catalogue.find(id)))
    scribe = Scribe(found, notation)
    depth = len(found.lesson.network.layers)
    for step in (found.find(f"dL/dz{depth}"), found.find(f"dL/dz{depth}[1]")):
        chains = scribe.derivation(step)
        assert len(chains) >= 6
        assert linear(chains[-1].docs[-1]) != "undefined"
        for chain in chains:
            assert "{" not in chain.reason and len(chain.docs) >= 2


# ---------------------------------------------------------------- what is said of them


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("id", ["o-regression", "o-classification", "c-431", "p-deep", "gates", "sigmoid-neuron"])
def test_factors_are_shown_with_numbers_that_multiply_out(id, notation):
    found = trace(load(catalogue.find(id)))
    scribe = Scribe(found, notation)
    for symbol in found.program.model.parameters:
        for index in indices(symbol.shape):
            chain = scribe.paths().chain(Ref(symbol, index or None))
            for path in chain.paths:
                shown = np.prod(as_shown([factor.value for factor in path.factors], path.digits))
                assert shown == pytest.approx(path.product, rel=5e-4)
                for factor in path.factors:
                    formula = scribe.factor(factor)
                    assert formula.reason and len(formula.docs) >= 2
                    assert linear(formula.docs[0]).startswith("∂")
            if chain.paths:
                shown = np.sum(as_shown([path.product for path in chain.paths], chain.digits))
                assert shown == pytest.approx(chain.total, rel=5e-4)


def test_a_slope_is_written_out():
    found = trace(load(catalogue.find("o-classification")))
    scribe = Scribe(found, "partials")
    chain = scribe.paths().chain(of(found, "W1", 0, 0))
    written = [" = ".join(linear(doc) for doc in scribe.factor(factor).docs) for factor in chain.paths[0].factors]
    assert written == [
        "∂L/∂z_fin = ŷ − y = 0.4629 − 1 = −0.5371",
        "∂z_fin/∂O₁₁ = w²₁₁ = 0.9",
        "∂O₁₁/∂z_prev₁ = σ′(z_prev₁) = O₁₁ · (1 − O₁₁) = 0.5939 · (1 − 0.5939) = 0.2412",
        "∂z_prev₁/∂w¹₁₁ = iq = 1.2",
    ]


def test_a_matrix_step_checks_its_sizes_and_says_what_is_kept():
    scribe = Scribe(trace(load(catalogue.find("c-431"))), "dz")
    said = {id: scribe.card(scribe.trace.find(id)) for id in ("z1", "dL/dz1", "dL/dW1", "dL/da1", "dL/dW1[1,2]")}
    assert said["z1"].dimensions == "W¹ (3×4) · X (4×1) = 3×1"
    assert said["dL/da1"].dimensions == "(W²)ᵀ (3×1) · dZ² (1×1) = 3×1"
    assert said["dL/dW1"].dimensions == "dZ¹ (3×1) · Xᵀ (1×4) = 3×4, the shape of W¹"
    assert said["dL/dW1[1,2]"].dimensions is said["dL/dz1"].dimensions is None
    assert said["dL/dz1"].reuse.startswith("Computed once and kept: dW¹ and db¹ use it.")
    assert "12 here, 22 so far. Path by path, with nothing kept: 48 here, 71 so far." in said["dL/dW1"].reuse


def test_a_batch_has_a_mean_and_l2_its_own_term():
    lesson = load(catalogue.find("p-deep"))
    lesson = replace(lesson, training=replace(lesson.training, batch=2, l2=0.1))
    found = trace(lesson)
    scribe = Scribe(found, "dz")
    mean, decayed = found.find("dL/dW1[1,2]"), found.find("dJ/dW1[1,2]")
    chain = scribe.paths(1).chain(target(decayed))
    assert chain.total == found.find("dL/dW1[1,2]@2").value
    assert scribe.beyond(chain) == (
        "This is example 2's own. The batch takes the mean over its 2 examples: "
        f"dw₁₂¹ = {number(mean.value)}. L2 regularisation adds λ times the weight itself: "
        f"∂J/∂w₁₂¹ = {number(decayed.value)}."
    )
    sizes = scribe.card(found.find("dL/dW1")).dimensions
    assert sizes == "dZ¹ (3×2) · Xᵀ (2×3) = 3×3, over 2: the 2 examples stand side by side"


def test_ten_speakers_for_three_layers():
    found = trace(load(catalogue.find("p-deep")))
    scribe = Scribe(found, "dz")
    steps = [step for step in found.steps() if step.phase == "backward"]
    turns = [turn for step in steps for turn in scribe.card(step).turns]
    assert list(dict.fromkeys(turn.speaker for turn in turns)) == [
        "The loss",
        "The output layer's activation", "The output layer's pre-activation", "Weights and biases of the output layer",
        "Hidden layer 2's activation", "Hidden layer 2's pre-activation", "Weights and biases of hidden layer 2",
        "Hidden layer 1's activation", "Hidden layer 1's pre-activation", "Weights and biases of hidden layer 1",
    ]  # fmt: skip
    assert "nobody can blame it" in turns[-2].words  # the input
    last = scribe.card(steps[-1])
    assert [turn.text for turn in (*last.before, *last.turns)] == [turn.text for turn in turns][-len(last.before) - 1 :]


@settings(max_examples=40, deadline=None)
@given(networks(max_depth=3, max_width=3) | circuits().map(lambda case: case[0]))
def test_the_story_speaks_and_has_no_formulas(lesson):
    found = trace(lesson)
    scribe = Scribe(found, "delta")
    for step in found.steps():
        card = scribe.card(step)
        assert bool(card.turns) == (step.phase == "backward")
        for turn in card.turns:
            assert turn.speaker and turn.words
            assert not set("{}=·∂∇⊙^") & set(turn.words), turn
            assert turn.text in card.story


# ---------------------------------------------------------------- in line mode


def told(id, *typed):
    """What line mode says to these lines, after its introduction."""
    with Store.open() as store:
        return "\n".join(answers(id, store, *typed))


def test_line_mode_tells_the_chain():
    said = told("p-deep", "chain dL/dW1[1,2]")
    assert "[dL/dW1[1,2]] ∂L(θ)/∂W₁₁₂: the sum over 6 paths" in said
    assert "path 2: L(θ) ← a₃₂ ← h₂₁ ← a₂₁ ← h₁₁ ← a₁₁ ← W₁₁₂" in said
    assert "∂h₁₁/∂a₁₁ = g′(a₁₁) = h₁₁ · (1 − h₁₁) = 0.3143 · (1 − 0.3143) = 0.2155" in said
    assert "product: 0.64488 · 0.3 · 0.24598 · 0.9 · 0.21552 · 1.2 = 0.011077" in said
    assert said.rstrip().endswith("the sum: ∂L(θ)/∂W₁₁₂ = 0.009928")
    derived = told("p-deep", "go dL/dz3[2]", "paths")
    assert "(the quotient rule: (g/h)′ = g′/h − g·h′/h²)" in derived
    assert told("p-deep", "chain").startswith("A chain is of a gradient: chain dL/dW1[1,3]")
    assert "no step 'dL/dW9'" in told("p-deep", "chain dL/dW9")
    assert "∂f/∂q = z = −4" in told("gates", "chain df/dx")


def test_line_mode_counts_what_is_saved():
    said = told("o-classification", "reuse")
    assert "All of it takes 10 with reuse." in said and "would take 18 path by path." in said
    assert any(line.split() == ["dL/dW1", "4", "12"] for line in said.splitlines())


@given(networks(max_depth=3, max_width=3) | circuits().map(lambda case: case[0]))
def test_the_rows_of_reuse_add_up_to_its_total(lesson):
    program = Program(lesson)
    _, *rows, total, _ = reuse_lines(program)
    said = sum(int(row.split()[1].replace(",", "")) for row in rows if row.split()[1].replace(",", "").isdigit())
    assert f"All of it takes {big_count(said)} with reuse." in total


def test_a_fork_takes_a_multiplication_where_no_path_does():
    """∂f/∂p = (1 + 1) · 1/p: each of the two paths is the one factor 1/p."""
    program = Program(circuit_lesson(["p = x * y", "q = log(p)", "r = q + x", "f = q + r"], x=4, y=2))
    rows = [line.split() for line in reuse_lines(program)]
    assert ["df/dp", "1", "0"] in rows and sum(int(row[1]) for row in rows if row[0].startswith("df/d")) == 3
