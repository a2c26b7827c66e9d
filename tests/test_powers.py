"""Powers where they are special: at 0, with exponents 0, negative and fractional, constant or not."""

from __future__ import annotations

import math

import pytest

from strategies import circuit_lesson
from test_compiled import follows_the_equations
from tutor.engine.lesson import Training
from tutor.engine.trace import trace

INF, NAN = math.inf, math.nan
# x, n -> xⁿ, its slope in x, its slope in n: the values, and where there is none at the point, the limit from x > 0
AT = [
    (0.0, 0.0, 1, 0, -INF),
    (0.0, 1.0, 0, 1, 0),
    (0.0, 2.0, 0, 0, 0),
    (0.0, 3.0, 0, 0, 0),
    (0.0, 0.5, 0, INF, 0),
    (0.0, 1.5, 0, 0, 0),
    (0.0, -1.0, INF, -INF, -INF),
    (2.0, 0.0, 1, 0, math.log(2)),
    (-2.0, 0.0, 1, 0, NAN),
    (-2.0, 3.0, -8, 12, NAN),
    (-2.0, -1.0, -0.5, -0.25, NAN),
    (-2.0, 0.5, NAN, NAN, NAN),
    (1.0, -1.0, 1, -1, 0),
    (4.0, 0.5, 2, 0.25, 2 * math.log(4)),
]


def same(value):
    return pytest.approx(value, rel=1e-12, abs=0, nan_ok=True)


@pytest.mark.parametrize(("x", "n", "power", "in_x", "in_n"), AT)
def test_slopes_of_a_power(x, n, power, in_x, in_n):
    written = trace(circuit_lesson([f"f = x ** ({n})"], x=x))
    assert float(written.find("f").value) == same(power) and float(written.find("df/dx").value) == same(in_x)
    given = trace(circuit_lesson(["f = x ** n"], x=x, n=n))
    assert [float(given.find(id).value) for id in ("f", "df/dx", "df/dn")] == [same(v) for v in (power, in_x, in_n)]


@pytest.mark.parametrize(("x", "n"), [(0.0, 2.0), (0.0, 0.0), (2.0, 0.0), (1.0, -1.0), (0.0, 1.5)])
def test_training_follows(x, n):
    lines = ["p = x ** n", "f = p * w + w * w"]
    follows_the_equations(circuit_lesson(lines, training=Training(0.01), x=x, n=n, w=0.0), 5)
    follows_the_equations(circuit_lesson([f"f = x ** ({n}) + w * w"], training=Training(0.01), x=x, w=2.0), 5)
