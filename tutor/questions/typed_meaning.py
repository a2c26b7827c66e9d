"""What signs between typed values mean: products by the shapes, powers, sums over an index, conditions."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from tutor.engine.expressions import Call, Const, Expr, call, negative
from tutor.questions.tokens import E, NotUnderstood
from tutor.text.language import say

# ---------------------------------------------------------------- products by shape


def row(vector: Expr) -> Expr:
    """A column lying down, xᵀ: shape (n,) -> (1, n)."""
    return call("stack", vector)


def _lying(x: Expr) -> Expr | None:
    """The column that a row was made of."""
    return x.args[0] if isinstance(x, Call) and x.op == "stack" and len(x.args) == 1 and len(x.shape) == 2 else None


def transposed(x: Expr) -> Expr:
    """xᵀ by the shape: (m, n) -> (n, m), (n,) -> (1, n), and a row is its column again; a number stays."""
    if len(x.shape) >= 2:
        return call("transpose", x) if (lying := _lying(x)) is None else lying
    return row(x) if x.shape else x


def times(x: Expr, y: Expr) -> Expr:
    """What a product means, by the shapes: cell by cell, W·x, x·yᵀ, xᵀ·W or xᵀ·y. Raises ValueError."""
    if not x.shape or not y.shape or x.shape == y.shape:
        return call("mul", x, y)
    lying = _lying(x)
    if len(y.shape) == 1 and lying is not None and not _numbers(x):
        return call("sum", call("mul", lying, y))
    if len(x.shape) == 2 and len(y.shape) == 1:
        return call("matmul", x, y)
    if len(x.shape) == 1 and (column := _lying(y)) is not None:
        return call("outer", x, column)
    if lying is not None and len(y.shape) == 2:
        return row(call("matmul", call("transpose", y), lying))
    raise ValueError("shapes")


def array_product(x: Expr, y: Expr, sign: str, arrays: bool) -> Expr:
    """What a sign between two values means, or nothing between them (as ·). Raises ValueError, NotUnderstood.

    Where the lesson is about `arrays`, · and @ are the product of matrices as NumPy has it, ⊙ goes cell by cell, and
    of * (which is · in ASCII, and NumPy's cell by cell) it is asked which of the two, where both would fit.
    """
    if sign == "⊙" or not x.shape or not y.shape:
        return call("mul", x, y)
    vectors = len(x.shape) == len(y.shape) == 1
    rows = _lying(x) is not None or _lying(y) is not None
    if (rows and x.shape != y.shape) or (not arrays and (sign != "@" or vectors)):
        return times(x, y)
    product, cells = _fitting("matmul", x, y), _fitting("mul", x, y)
    if sign == "@" and product is None:
        raise ValueError("shapes")
    turned = any(isinstance(side, Call) and side.op == "transpose" for side in (x, y))  # Xᵀ · G in ASCII: X^T * G
    if sign == "*" and vectors and cells is not None:
        return cells
    if sign == "*" and product is not None and cells is not None and not turned:
        raise NotUnderstood(
            say("is * cell by cell here, or the product of matrices? write ⊙ or (*) for one, @ for the other")
        )
    found = product if product is not None else cells
    if found is None:
        raise ValueError("shapes")
    return found


def _fitting(op: str, x: Expr, y: Expr) -> Expr | None:
    try:
        return call(op, x, y)
    except ValueError:
        return None


def summed(x: Expr, lowered: Container[str]) -> Expr:
    """Σₖ of x: of all its numbers; where zᵢₖ or zₖⱼ stands in it, a matrix is summed along that axis, which stays."""
    axis = -1 if "ᵢₖ" in lowered else -2 if "ₖⱼ" in lowered else None
    if axis is None or len(x.shape) != 2:
        return call("sum", x)
    shape = (x.shape[0], 1) if axis == -1 else (1, x.shape[1])
    return call("reshape", call("sum", x, param=axis), param=shape)


def _numbers(x: Expr) -> bool:
    """Whether a matrix was written out in numbers: [[1, 2]] is a matrix, [1, 2]ᵀ a column lying down."""
    return isinstance(x, Call) and x.op == "stack" and isinstance(x.args[0], Call) and x.args[0].op == "stack"


def power(base: Expr, exponent: Expr) -> Expr:
    """base to the exponent; of Euler's number the exponential."""
    return call("exp", exponent) if base is E else call("pow", base, exponent)


# ---------------------------------------------------------------- conditions


@dataclass(frozen=True)
class Relation:
    """left = right, or with another sign of comparison between them."""

    left: Expr
    sign: str
    right: Expr

    @property
    def holds(self) -> Expr:
        """1 if it does, else 0: as max and min choose among equal arguments, the first."""
        if self.sign == "=":
            if not isinstance(self.right, Const) or not self.right.value.is_integer():
                raise NotUnderstood(say("1(n = 2) compares with a whole number"))
            return call("hit", self.left, param=int(self.right.value))
        if self.sign in "≥≤":
            return call("wins_max" if self.sign == "≥" else "wins_min", self.left, self.right, param=0)
        return call("wins_max" if self.sign == ">" else "wins_min", self.right, self.left, param=1)

    def choose(self, x: Expr, y: Expr) -> Expr:
        """x where it holds, else y."""
        left, right = self.left, self.right
        above = left if right == Const(0.0) else left - right
        below = right if left == Const(0.0) else negative(left) if right == Const(0.0) else right - left
        return {
            ">": lambda: call("choose", above, x, y),
            "<": lambda: call("choose", below, x, y),
            "≤": lambda: call("choose", above, y, x),
            "≥": lambda: call("choose", below, y, x),
        }[self.sign]()
