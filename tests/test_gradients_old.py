"""Every gradient against finite differences in 60 digits (oracle.py), to 1e-10 of the sum of absolute terms."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

import oracle
from strategies import circuit_lesson, circuits, dense, divided_by, network_lesson, networks, oracle_network, written
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.backprop import backward
from tutor.engine.expressions import Call, Const, Ref, Symbol, evaluate, indices, refs
from tutor.engine.forward import model
from tutor.engine.lesson import ORDERS
from tutor.engine.local import local_derivative
from tutor.engine.losses import LOSSES
from tutor.engine.parsing import FUNCTIONS
from tutor.engine.run import Run
from tutor.engine.trace import Trace, trace

TOLERANCE = 1e-10
random_lessons = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@pytest.fixture(autouse=True)
def silent():
    """No warning of any kind: it would end up on the learner's screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def close(found, true, scale, what):
    """`found` (float64) is `true` (60 digits) up to the tolerance times `scale`, element by element."""
    found = np.asarray(found, dtype=float)
    true, scale = np.array(true, dtype=object), np.array(scale, dtype=object)
    assert found.shape == true.shape, what
    for i in np.ndindex(found.shape):
        off = abs(oracle.mpf(float(found[i])) - true[i])
        allowed = TOLERANCE * scale[i] + oracle.mpf(10) ** -25
        assert off <= allowed, f"{what}{list(i)}: {found[i]!r}, not {float(true[i])!r}"


def ordinary(lesson, net, x, y):
    assume(all(net.kink(*row) > 1e-9 for row in zip(x, y, strict=True)))


def cases(lesson, iteration=1):
    """The trace of a lesson, its oracle, and the examples of the batch in 60 digits."""
    found = trace(lesson, iteration)
    net = oracle_network(lesson)
    rows = found.iteration.rows
    return found, net, oracle.exact(lesson.inputs[rows]), oracle.exact(lesson.targets[rows])


def own(found, id, example):
    """An example's own value of an id; with one example the plain id is that (with several it may be the mean)."""
    return found.find(f"{id}@{example + 1}" if found.examples > 1 else id).value


# ---------------------------------------------------------------- networks


@random_lessons
@given(networks())
def test_values_and_gradients_of_networks(lesson):
    found, net, x, y = cases(lesson)
    ordinary(lesson, net, x, y)
    depth, by = len(net.layers), divided_by(lesson, len(x))
    sums: dict[str, list] = {}
    for e, (row, target) in enumerate(zip(x, y, strict=True)):
        scales = net.scales(row, target)
        for k, (z, a) in enumerate(net.forward(row), start=1):
            wide = [1 + abs(v) for v in z]
            close(own(found, f"z{k}", e), z, wide, f"z{k}@{e + 1}")
            close(own(found, f"a{k}", e), a, wide, f"a{k}@{e + 1}")
            # ∂L/∂ŷ is asked for at the prediction that float64 holds: near 0 and 1 it turns on the last digit.
            given_a = oracle.exact(own(found, f"a{k}", e)) if k == depth else a
            da = oracle.gradient(lambda v, k=k, target=target: net.after(k, v, target), given_a)
            close(own(found, f"dL/da{k}", e), da, scales[f"a{k}"], f"dL/da{k}@{e + 1}")
            close(own(found, f"dL/dz{k}", e), net.dz(row, target, k), scales[f"z{k}"], f"dL/dz{k}@{e + 1}")
            for id, grad in (("W", net.dW), ("b", net.db)):
                if id == "b" and net.layers[k - 1].b is None:
                    continue
                true = np.array(grad(row, target, k), dtype=object)
                scale = np.array(scales[f"{id}{k}"], dtype=object)
                close(own(found, f"dL/d{id}{k}", e), true, scale, f"dL/d{id}{k}@{e + 1}")
                total = sums.setdefault(f"{id}{k}", [0, 0])
                sums[f"{id}{k}"] = [total[0] + true / by, total[1] + scale / by]
        close(own(found, "L", e), net.loss(row, target), 1 + net.loss(row, target), f"L@{e + 1}")
    mean = sum(net.loss(row, target) for row, target in zip(x, y, strict=True)) / by
    close(found.find("L").value, mean, 1 + mean, "L")
    for id, (true, scale) in sums.items():
        close(found.find(f"dL/d{id}").value, true, scale, f"dL/d{id}")
    if lesson.training.l2:
        close(found.find("J").value, mean + net.penalty(), 1 + mean + net.penalty(), "J")
        for k, layer in enumerate(net.layers, start=1):
            true, scale = sums[f"W{k}"]
            decay = np.array(net.d_penalty(k), dtype=object)
            close(found.find(f"dJ/dW{k}").value, true + decay, scale + abs(decay), f"dJ/dW{k}")
            assert layer.b is None or f"dJ/db{k}" not in found.program.by_key


def check_scalar_level(found):
    """Each element's own formula, evaluated by itself, gives the element of the matrix."""
    values = {step.id: step for step in found.steps("matrix")}
    seen = 0
    for step in found.steps("scalar"):
        whole = np.asarray(values[step.ref.id if not step.index else step.at(None).id].value, dtype=float)
        assert step.value == whole[step.index] or np.isnan(step.value)
        with np.errstate(all="ignore"):
            got = evaluate(step.formula, found.value)
            terms = evaluate(step.formula, lambda ref: abs(found.value(ref)))
        assert np.shape(got) == ()
        if np.isfinite(got):
            # Cancellation costs digits: what the terms are, not what their difference is, sets the scale.
            scale = max(1e-12, abs(terms), magnitude(step.formula, found.value))
            assert abs(got - step.value) <= TOLERANCE * scale, step.id
        seen += 1
    assert seen == sum(np.asarray(s.value).size for s in values.values())


def magnitude(formula, values):
    """A formula's value with every minus turned into a plus and every number positive; a bound on its terms."""
    if isinstance(formula, Const):
        return abs(formula.value)
    if isinstance(formula, Ref):
        return abs(values(formula))
    args = [magnitude(arg, values) for arg in formula.args]
    assert isinstance(formula, Call)
    if formula.op in ("add", "sub"):
        return sum(args)
    if formula.op in ("neg", "mul"):
        return float(np.prod(args))
    if formula.op in ("div", "ratio"):
        below = abs(float(evaluate(formula.args[1], values)))
        return args[0] / below if below else 0.0
    return abs(float(evaluate(formula, values)))


@random_lessons
@given(networks(max_depth=3, max_width=4))
def test_scalar_level_of_networks(lesson):
    found, net, x, y = cases(lesson)
    ordinary(lesson, net, x, y)
    check_scalar_level(found)


@random_lessons
@given(networks(max_width=4))
def test_local_derivatives_of_networks(lesson):
    found, net, x, y = cases(lesson)
    ordinary(lesson, net, x, y)
    e = len(x) - 1
    passes = net.forward(x[e])
    for k, (layer, (z, _)) in enumerate(zip(net.layers, passes, strict=True), start=1):
        before = passes[k - 2][1] if k > 1 else x[e]
        jacobian = np.array(oracle.gradient(layer.a, z), dtype=object).T  # [k, i]: ∂a_k/∂z_i
        scale = np.ones_like(jacobian)
        local = own(found, f"da{k}/dz{k}", e)
        if layer.activation == "softmax":
            close(local, jacobian, scale, f"da{k}/dz{k}")
        else:
            close(local, jacobian.diagonal(), scale.diagonal(), f"da{k}/dz{k}")
        rows = np.array([before] * len(z), dtype=object)
        close(own(found, f"dz{k}/dW{k}", e), rows, 1 + abs(rows), f"dz{k}/dW{k}")
        name = f"da{k - 1}" if k > 1 else "dx"
        inward = np.array(oracle.gradient(layer.z, before), dtype=object).T
        close(found.find(f"dz{k}/{name}").value, inward, 1 + abs(inward), f"dz{k}/{name}")
        if layer.b is not None:
            ones = [oracle.ONE] * len(z)
            close(own(found, f"dz{k}/db{k}", e), ones, ones, f"dz{k}/db{k}")


@random_lessons
@given(networks(max_width=3))
def test_the_chain_of_local_derivatives_multiplies_to_the_gradient(lesson):
    found, net, x, y = cases(lesson)
    ordinary(lesson, net, x, y)
    e, depth = 0, len(net.layers)

    def at(id):
        return np.asarray(own(found, id, e))

    upstream = at(f"dL/da{depth}")
    assume(np.all(np.isfinite(upstream)) and np.all(np.abs(upstream) < 1e6))
    for k in range(depth, 0, -1):
        local = at(f"da{k}/dz{k}")
        upstream = local.T @ upstream if local.ndim == 2 else local * upstream
        assert np.allclose(upstream, at(f"dL/dz{k}"), rtol=1e-9, atol=1e-9)
        weights = upstream[:, None] * at(f"dz{k}/dW{k}")
        assert np.allclose(weights, own(found, f"dL/dW{k}", e), rtol=1e-9, atol=1e-9)
        upstream = found.find(f"dz{k}/da{k - 1}" if k > 1 else f"dz{k}/dx").value.T @ upstream


@random_lessons
@given(networks(max_depth=2, max_width=4))
def test_every_line_of_a_derivation_has_the_same_value(lesson):
    """Where loss and activation cancel: first both factors, then their cancellation."""
    found, net, x, y = cases(lesson)
    ordinary(lesson, net, x, y)
    for step in found.steps():
        lines = step.equation.derivation
        assert bool(lines) == (step.equation.rule == "combined_error")
        for line in lines:
            assert line.reason
            formula = step.specialise(line.formula)
            assert formula.shape == step.shape
            assert np.allclose(evaluate(formula, found.value), step.value, rtol=1e-9, atol=1e-9), line.reason
            for index in indices(step.shape):
                cell = step.at(index)
                value = evaluate(cell.specialise(line.formula), found.value)
                assert np.isclose(value, cell.value, rtol=1e-9, atol=1e-9), (cell.id, line.reason)
        if lines:
            assert lines[-1].formula == step.equation.formula


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(networks(max_depth=2, max_width=3), st.integers(2, 6))
def test_gradients_of_later_iterations_are_those_at_its_own_parameters(lesson, number):
    found = trace(lesson, number)
    values = found.iteration.values
    assume(all(np.all(np.abs(v) < 20) for key, v in values.items() if key[0] in "Wb"))
    net = oracle_network(lesson, values)
    rows = found.iteration.rows
    x, y = oracle.exact(lesson.inputs[rows]), oracle.exact(lesson.targets[rows])
    ordinary(lesson, net, x, y)
    by = divided_by(lesson, len(x))
    for k in range(1, len(net.layers) + 1):
        true = sum(np.array(net.dW(r, t, k), dtype=object) for r, t in zip(x, y, strict=True)) / by
        scale = sum(np.array(net.scales(r, t)[f"W{k}"], dtype=object) for r, t in zip(x, y, strict=True)) / by
        close(found.find(f"dL/dW{k}").value, true, scale, f"dL/dW{k}")


# ---------------------------------------------------------------- circuits


@settings(random_lessons, max_examples=250)
@given(circuits())
def test_values_and_gradients_of_circuits(case):
    lesson, inputs, lines, output = case
    note(str([d.line for d in lesson.circuit.definitions]))
    found = trace(lesson)
    true, sums = oracle.circuit(inputs, lines), oracle.path_sums(inputs, lines, output)
    for name, _ in lines:
        close(found.find(name).value, true[name], 1 + abs(true[name]), name)
    for name in true:
        id = f"d{output}/d{name}"
        if name == output or (name not in inputs and id not in found.program.by_key):
            # Only what lies between the inputs and the output has a gradient.
            assert name == output or not sums[name] or depends_on_nothing(name, lines)
            continue
        close(found.find(id).value, oracle.circuit_gradient(inputs, lines, output, name), sums[name], id)
    check_scalar_level(found)


def depends_on_nothing(name, lines):
    """Whether a line is made of constants alone."""
    expression = dict(lines).get(name)

    def leaves(node):
        if isinstance(node, str):
            return [node]
        return [leaf for arg in node[1:] for leaf in leaves(arg)] if isinstance(node, tuple) else []

    return expression is not None and all(depends_on_nothing(leaf, lines) for leaf in leaves(expression))


@settings(random_lessons, max_examples=100)
@given(circuits())
def test_paths_of_circuits_add_up(case):
    """d(output)/dx is the sum over the gates that x feeds: gradient of the gate times its local derivative."""
    lesson, inputs, lines, output = case
    found = trace(lesson)
    rounding = 1e-9 * float(max(oracle.path_sums(inputs, lines, output).values()))
    fed: dict[str, list[float]] = {}
    for eq in found.program.model.forward:
        gate = eq.symbol.id
        up = 1.0 if gate == output else found.program.by_key.get(f"d{output}/d{gate}")
        if up is None:
            continue
        up = up if up == 1.0 else found.find(f"d{output}/d{gate}").value
        for operand in dict.fromkeys(ref.symbol.id for ref in found.find(gate).operands):
            if gate == output:  # d(output)/d(operand) names the whole gradient: ask for the factor itself
                symbol = next(r.symbol for r in found.find(gate).operands if r.symbol.id == operand)
                local = float(evaluate(local_derivative(eq, symbol).formula, found.value))
            else:
                local = found.find(f"d{gate}/d{operand}").value
            fed.setdefault(operand, []).append(up * local)
    for name, parts in fed.items():
        if f"d{output}/d{name}" in found.program.by_key:
            true = found.find(f"d{output}/d{name}").value
            assert sum(parts) == pytest.approx(true, rel=1e-9, abs=rounding)


def test_the_oracle_knows_every_function_activation_and_loss():
    assert all(oracle.OPERATIONS[name] for name in FUNCTIONS)
    assert all(oracle.ACTIVATIONS[name] for name in ACTIVATIONS if name not in ("leaky_relu", "elu"))
    half = oracle.exact([0.5])
    assert all(oracle.loss_of_prediction(name, half, half) >= 0 for name in LOSSES)
    assert set(ORDERS) == {"listed", "shuffled", "random"}


@pytest.mark.parametrize(
    ("expression", "inputs"),
    [
        (("+", "x", "y"), {"x": 2, "y": 3}),
        (("-", "x", "y"), {"x": 2, "y": 3}),
        (("*", "x", "y"), {"x": 2, "y": 3}),
        (("/", "x", "y"), {"x": 2, "y": 3}),
        (("**", "x", "y"), {"x": 2, "y": 3}),
        (("**", "x", "y"), {"x": 2.5, "y": -1.5}),
        (("**", 2.0, "x"), {"x": 3}),
        (("**", "x", -2.0), {"x": -2}),
        (("**", "x", 0.0), {"x": 2}),
        (("**", "x", "x"), {"x": 1.5}),
        (("neg", "x"), {"x": 2}),
        (("max", "x", "y"), {"x": 2, "y": 3}),
        (("max", "x", "y", "z"), {"x": 2, "y": 3, "z": 1}),
        (("min", "x", "y", "z"), {"x": 2, "y": 3, "z": 1}),
        *[((name, "x"), {"x": 0.7}) for name in FUNCTIONS if name not in ("max", "min")],
        *[((name, "x"), {"x": -0.7}) for name in FUNCTIONS if name not in ("max", "min", "log", "ln", "sqrt")],
        ("x", {"x": 2}),
        (("*", "x", "x"), {"x": 3}),
        (("+", ("*", ("*", "x", "x"), "x"), ("/", "x", "x")), {"x": 3}),
        (3.0, {"x": 2}),
    ],
    ids=str,
)
def test_each_operator(expression, inputs):
    found = trace(circuit_lesson([f"f = {written(expression)}"], **inputs))
    lines = [("f", expression)]
    close(found.find("f").value, oracle.circuit(inputs, lines)["f"], oracle.ONE * 30, "f")
    for name in inputs:
        true = oracle.circuit_gradient(inputs, lines, "f", name)
        close(found.find(f"df/d{name}").value, true, 1 + abs(true), f"df/d{name}")


# ---------------------------------------------------------------- kinks and ties


@pytest.mark.parametrize("line", ["f = relu(x)", "f = max(0, x)", "f = abs(x)"])
def test_derivative_at_the_kink_is_zero(line):
    assert trace(circuit_lesson([line], x=0)).find("df/dx").value == 0


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0), ("leaky_relu", 0.2)])
def test_relu_derivative_at_zero(activation, slope):
    lesson = network_lesson([dense([[0.0]], [0.0], activation, alpha=0.2)], "half_squared_error", [[1]], [[1]])
    found = trace(lesson)
    assert found.find("da1/dz1").value == [slope]
    assert found.find("dL/dz1").value == [-slope]
    assert found.find("dL/dz1[1]").value == -slope


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_route_to_the_first(name):
    found = trace(circuit_lesson([f"f = {name}(x, y, z)"], x=2, y=2, z=2))
    assert [found.find(f"df/d{v}").value for v in "xyz"] == [1, 0, 0]
    far = 1 if name == "max" else 3
    found = trace(circuit_lesson([f"f = {name}(x, y, z)"], x=far, y=2, z=2))
    assert [found.find(f"df/d{v}").value for v in "xyz"] == [0, 1, 0]
    found = trace(circuit_lesson([f"f = {name}(x, x)"], x=2))
    assert found.find("df/dx").value == 1


@pytest.mark.parametrize("name", ["max", "min"])
def test_each_element_of_each_example_takes_its_own(name):
    """By hand; of equal ones the first, and infinity too, though ∞ − ∞ is no number."""
    sign, inf = (1 if name == "max" else -1), np.inf
    x = sign * np.array([[1, inf, 2], [-5, 4, inf]])
    y = sign * np.array([[2, 3, 2], [-6, inf, inf]])
    refs = tuple(Ref(Symbol(id, (3,), per_example=True)) for id in "xy")
    with np.errstate(invalid="ignore"):
        takes = [evaluate(Call(f"wins_{name}", refs, k), lambda ref: {"x": x, "y": y}[ref.id]) for k in (0, 1)]
    assert takes[0].tolist() == [[0, 1, 1], [1, 0, 1]] and takes[1].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_what_overflowed_is_the_maximum_wherever_it_stands():
    """No finite argument is within the rounding of an infinite one."""
    for line, slopes in (("max(y, p)", [0, 1]), ("max(p, y)", [0, 1]), ("min(-p, y)", [0, 1]), ("min(y, -p)", [0, 1])):
        found = trace(circuit_lesson(["p = exp(x)", f"f = {line}"], x=1000, y=4))
        assert found.find("p").value == np.inf
        assert [abs(found.find(f"df/d{v}").value) for v in "yp"] == slopes, line
    both = trace(circuit_lesson(["p = exp(x)", "q = exp(y)", "f = max(p, q)"], x=1000, y=800))
    assert [both.find(f"df/d{v}").value for v in "pq"] == [1, 0]


# ---------------------------------------------------------------- extreme numbers

FAR = [-1000.0, -710.0, -40.0, -1.0, 0.0, 1.0, 40.0, 710.0, 1000.0]


def far_lesson(loss, z, y):
    activation = LOSSES[loss].wants
    return network_lesson([dense([[v] for v in z], None, activation)], loss, [[1.0]], [y])


@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("z", FAR)
def test_binary_cross_entropy_far_out(z, y):
    check_far("binary_cross_entropy", [z, -z / 2], [y, 1 - y])


@pytest.mark.parametrize("y", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.5, 0.3]])
@pytest.mark.parametrize("z", [[1000, -1000, 0], [-1000, -1000, -1000], [1000, 999, 998], [710, 0, -745], [0, 0, 1000]])
def test_cross_entropy_far_out(z, y):
    check_far("cross_entropy", [float(v) for v in z], [float(v) for v in y])


def check_far(loss, z, y):
    lesson = far_lesson(loss, z, y)
    found = trace(lesson)
    net, exact_z, exact_y = oracle_network(lesson), oracle.exact(z), oracle.exact(y)
    true = net.within(1, exact_z, exact_y)
    got = found.find("L").value
    assert np.isfinite(got) and abs(got - true) <= 1e-14 * abs(true), "L is finite and right to the last digits"
    held = found.find("a1").value
    with np.errstate(all="ignore"):
        shown = evaluate(found.find("L").formula, found.value)
    if np.isfinite(shown):  # the formula takes the logarithm of a ŷ, or 1 − ŷ, that is rounded to 10⁻¹⁶
        rounding = sum(2e-16 / min(a, 1 - a) for a in held if 0 < a < 1)
        assert shown == pytest.approx(got, rel=1e-12, abs=rounding)
    close(found.find("dL/dz1").value, net.dz([oracle.ONE], exact_y, 1), [1] * len(z), "dL/dz1")
    close(found.find("dL/dW1").value, net.dW([oracle.ONE], exact_y, 1), [[1]] * len(z), "dL/dW1")
    binary = loss == "binary_cross_entropy"
    for k, (slope, t, a) in enumerate(zip(found.find("dL/da1").value, exact_y, held, strict=True)):
        # −t/ŷ + (1 − t)/(1 − ŷ), its parts; a part whose target is 0 is switched off, whatever it is divided by.
        parts = [(-t, a)] + ([(1 - t, 1 - oracle.mpf(a))] if binary else [])
        parts = [(over, oracle.mpf(under)) for over, under in parts if over]
        if any(under == 0 for _, under in parts):
            over = next(over for over, under in parts if under == 0)
            assert slope == np.inf * float(np.sign(float(over))), f"dL/da1[{k + 1}]"
        elif np.isinf(slope):
            assert max(abs(over / under) for over, under in parts) > 1e308
        else:
            true = sum(over / under for over, under in parts)
            assert abs(slope - true) <= TOLERANCE * sum(abs(over / under) for over, under in parts)


@pytest.mark.parametrize("z", FAR)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu", "linear", "softmax"])
@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error", "mean_squared_error"])
def test_squared_losses_far_out(loss, activation, z):
    lesson = network_lesson([dense([[z], [-z]], None, activation)], loss, [[1.0]], [[0.5, 1.0]])
    found = trace(lesson)
    net, y = oracle_network(lesson), oracle.exact([0.5, 1.0])
    x = [oracle.ONE]
    for step in found.steps():
        assert np.all(np.isfinite(step.value)), step.id
    if net.kink(x, y) > 0:
        close(found.find("dL/dz1").value, net.dz(x, y, 1), net.scales(x, y)["z1"], "dL/dz1")


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu", "linear"])
def test_huge_and_overflowing_numbers_raise_nothing(activation):
    for size in (1e155, 1e300):
        lesson = network_lesson(
            [dense([[size, -size]], [size], activation), dense([[size]], None, activation)],
            "squared_error",
            [[size, size], [1, -size]],
            [[0], [-size]],
            batch="all",
            l2=0.1,
            optimizer="adam",
        )
        found = trace(lesson, 3)
        for level in ("matrix", "scalar"):
            for step in found.steps(level):
                assert step.shape == np.shape(step.value)
                assert step.digits >= 4


def test_circuits_that_leave_the_numbers_raise_nothing():
    lines = ["q = x ** y", "r = log(x - x) / (x - x)", "s = sqrt(0 - y)", "t = exp(exp(y * 400))", "f = q + r + s + t"]
    found = trace(circuit_lesson(lines, x=-1.5, y=2.5))
    for level in ("matrix", "scalar"):
        for step in found.steps(level):
            assert isinstance(step.value, float)
            assert step.digits >= 4


# ---------------------------------------------------------------- purity and depth


@settings(max_examples=30, deadline=None)
@given(networks(max_depth=3, max_width=3))
def test_backward_is_pure(lesson):
    for examples in (1, 3):
        forward = model(lesson, examples)
        before = forward.forward
        first, second = backward(forward), backward(forward)
        assert first == second
        assert forward.forward == before
        assert backward(model(lesson, examples)) == first


def test_running_twice_gives_the_same_bits():
    layers = [dense([[0.3, -0.2]], [0.1], "tanh")]
    lesson = network_lesson(layers, "squared_error", [[1, 2], [3, 4]], [[1], [2]], batch="all")
    run = Run(lesson)
    first = {k: np.array(v) for k, v in run.iteration(1).values.items()}
    again = run.iteration(1).values
    assert all(np.array_equal(first[k], again[k]) for k in first)


def test_a_deep_network_needs_no_recursion():
    depth = 2000
    layers = [dense([[1.001]], [0.0], "linear") for _ in range(depth)]
    found = trace(network_lesson(layers, "half_squared_error", [[1.0]], [[0.0]]))
    a = 1.001**depth
    assert found.find("dL/dW1[1,1]").value == pytest.approx(a * a / 1.001, rel=1e-9)
    assert sum(1 for _ in found.steps("scalar")) > 8 * depth


def test_a_deep_circuit_needs_no_recursion():
    depth = 2000
    lines = ["n1 = x + x", *[f"n{k} = n{k - 1} * 0.5 + n{k - 1} * 0.501" for k in range(2, depth + 1)]]
    found = trace(circuit_lesson(lines, x=3))
    assert found.find(f"dn{depth}/dx").value == pytest.approx(2 * 1.001 ** (depth - 1), rel=1e-9)
    assert sum(1 for _ in found.steps("scalar")) > depth


@pytest.mark.parametrize("sign", ["+", "-", "*", "/"])
def test_a_long_line_needs_no_recursion(sign):
    """An expression may have 1,000 tokens: here 500 operands in a row."""
    found = trace(circuit_lesson(["f = " + f" {sign} ".join(["x"] * 500)], x=1))
    assert found.find("f").value == {"+": 500, "-": -498, "*": 1, "/": 1}[sign]
    assert found.find("df/dx").value == {"+": 500, "-": -498, "*": 500, "/": -498}[sign]


@pytest.mark.parametrize("nested", ["-" * 99 + "x", "(" * 99 + "x" + ")" * 99, "sin(" * 99 + "x" + ")" * 99])
def test_a_line_nested_99_deep(nested):
    found = trace(circuit_lesson([f"f = {nested}"], x=0.0))
    assert found.find("df/dx").value in (-1.0, 1.0)


def test_element_shapes_are_covered():
    """Every index of a matrix, row by row, from 1 in ids."""
    found = trace(network_lesson([dense([[1, 2, 3], [4, 5, 6]])], "squared_error", [[1, 2, 3]], [[0, 0]]))
    ids = [s.id for s in found.steps("scalar") if s.id.startswith("dL/dW1")]
    assert ids == [f"dL/dW1[{i},{j}]" for i in (1, 2) for j in (1, 2, 3)]
    assert list(indices((2, 3))) == [(i, j) for i in range(2) for j in range(3)]


def test_a_trace_holds_one_iteration_only():
    lesson = network_lesson([dense([[0.5]], [0.0])], "squared_error", [[1.0]], [[0.0]], learning_rate=0.1)
    run = Run(lesson)
    first, second = Trace(lesson, run.iteration(1)), Trace(lesson, run.iteration(2))
    assert first.find("W1'").value == second.value(first.find("z1").operands[0])


def test_a_loss_s_slope_is_the_one_that_it_is_shown_with_and_of_a_target_there_is_none():
    lesson = network_lesson([dense([[0.5, 0.1]])], "mean_squared_error", [[1, 2]], [[1]])
    loss = model(lesson).forward[-1]
    symbols = {symbol.quantity: symbol for symbol in (ref.symbol for ref in refs(loss.formula))}
    local = local_derivative(loss, symbols["activation"])
    assert local.rule == "loss_gradient" and local.formula == loss.gradients[symbols["activation"]]
    values = {"y": np.array([[1.0]]), "a1": np.array([[0.7]])}
    assert evaluate(local.formula, lambda ref: values[ref.symbol.id]) == pytest.approx(-2 * (1 - 0.7))
    assert local_derivative(loss, symbols["target"]) is None


@pytest.mark.parametrize("bias", [None, [0.1, 0.2]])
def test_the_slope_of_a_layer_s_sum_is_its_weights_and_of_a_softmax_its_jacobian(bias):
    """Formulas that are shown, and no tables of slopes: with a bias, and without one."""
    lesson = network_lesson([dense([[0.5, 0.1], [0.2, 0.3]], bias, "softmax")], "cross_entropy", [[1, 2]], [[1, 0]])
    z, a, *_ = model(lesson).forward
    W, x = z.formula.args if bias is None else z.formula.args[0].args
    assert local_derivative(z, x.symbol).formula == W
    assert local_derivative(z, W.symbol).formula == Call("rows", (x, Ref(z.symbol)))
    assert local_derivative(a, z.symbol).formula == Call("jacobian", (Ref(a.symbol),))
