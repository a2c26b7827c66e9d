"""C around an iteration: what it is called with, the loop over many, and Python's own functions of numbers.

A source has names of our own and numbers, never a text of the lesson; what a run of the same shape may have otherwise
(settings, the data, first values, the order of examples) is handed over, so that many runs share one piece of code.

    s      what is carried, as in `graph.Memory`; written when an iteration is complete, and not before
    k      what is settled before a run: settings and what follows from them alone (`Graph.settled`)
    data   the arrays of the examples, one after the other
    rows   which of them each iteration takes; of so many (`cycle`), and then from the beginning again
    kept   the loss of each iteration
    work   room for what is worked out in an iteration
"""

from __future__ import annotations

from collections.abc import Sequence


class NotInC(Exception):
    """What is left to Python and NumPy: an operator that C has no words for, or what C would not make faster."""


def number(value: float) -> str:
    """A number, to the last bit; in brackets where it has a sign."""
    if value != value:
        return '__builtin_nan("")'
    if value in (float("inf"), -float("inf")):
        return "__builtin_inf()" if value > 0 else "(-__builtin_inf())"
    text = value.hex()
    return f"({text})" if text[0] == "-" else text


# `bad` says that Python's function would have raised: an infinity or a NaN that comes from none.
PRELUDE = """\
#if __FLT_EVAL_METHOD__ != 0
#error each operation has to be rounded to a double
#endif
typedef double number;
typedef long long whole;
number exp(number), log(number), log1p(number), expm1(number), sin(number), cos(number), tanh(number);
number pow(number, number), erf(number), erfc(number);

#define ODD(r) __builtin_expect((r) - (r) != 0.0, 0)
static inline int lost(number r, number x) { return r != r ? x == x : x - x == 0.0; }
#define CHECKED(name, f) \\
    static inline number name(number x, int *bad) { number r = f(x); if (ODD(r)) *bad |= lost(r, x); return r; }
CHECKED(exp_, exp)
CHECKED(log_, log)
CHECKED(log1p_, log1p)
CHECKED(expm1_, expm1)
CHECKED(sin_, sin)
CHECKED(cos_, cos)
CHECKED(sqrt_, __builtin_sqrt)
static inline number div_(number a, number b, int *bad) { *bad |= b == 0.0; return a / b; }
static inline number pow_(number a, number b, int *bad)
{
    number r = pow(a, b);
    if (ODD(r)) *bad |= a - a == 0.0 && b - b == 0.0;
    return r;
}
static inline number pick_(const number *from, int count, number which, int *bad)
{
    if (which >= 1.0 && which < count + 1.0) return from[(int)which - 1];
    *bad = 1;
    return 0.0;
}
"""


def driver(once: Sequence[int]) -> str:
    """The loop over iterations, with batches of so many examples and, where there are two sizes, a short last one.

    `slot` is the place of the first iteration in its epoch of `per` iterations. Returns how many are complete.
    """
    usual, *short = once
    call = "once_{}(s, k, data, rows + at, t, kept + i, work)".format
    last = (
        f"""
        if (per - slot == 1) {{
            if (!{call(short[0])}) return i;
            at += {short[0]};
        }} else"""
        if short
        else ""
    )
    return f"""
whole train(number *restrict s, const number *restrict k, const number *const *data, const int *rows,
            whole cycle, whole at, whole slot, whole per, whole n, number t, number *restrict kept,
            void *work)
{{
    for (whole i = 0; i < n; i++, t += 1.0) {{{last} {{
            if (!{call(usual)}) return i;
            at += {usual};
        }}
        if (at >= cycle) at = 0;
        if (++slot == per) slot = 0;
    }}
    return n;
}}
"""
