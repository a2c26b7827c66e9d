"""An element of an array in C's words: the operators that go element by element, and others spelled out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tutor.engine.compiled.c_text import NotInC
from tutor.engine.compiled.c_text import number as literal
from tutor.engine.compiled.graph import SIGNS, written_out
from tutor.engine.expressions import Call, Const, Expr, Ref, Shape, at_example, element, indices

LONGEST = 300_000  # signs of an operator that is spelled out element by element

_FUNCTIONS = {
    **{op: op for op in ("exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "erf", "erfc", "pow")},
    **{op: f"{op}_" for op in ("max", "min", "sign", "step", "choose", "ratio", "times", "power_log")},
    "sqrt": "__builtin_sqrt",
    "abs": "__builtin_fabs",
}
WINS = {"wins_max": ">", "wins_min": "<"}  # rounding decides where two are nearly the same: their user asks
ELEMENTWISE = {*_FUNCTIONS, *WINS, "add", "sub", "mul", "div", "neg", "reciprocal", "hit", "pick", "linear"}

# Nothing is raised here: what NumPy makes of it, C does.
PRELUDE = """\
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define MANY __attribute__((target_clones("avx", "default")))
#else
#define MANY
#endif
#define ONCE static __attribute__((noinline, unused))
#define ALWAYS static inline __attribute__((always_inline))
typedef number four __attribute__((vector_size(32), aligned(8), may_alias));
ALWAYS number max_(number a, number b) { return a > b || a != a ? a : b; }
ALWAYS number min_(number a, number b) { return a < b || a != a ? a : b; }
ALWAYS number sign_(number a) { return a > 0.0 ? 1.0 : a < 0.0 ? -1.0 : a; }
ALWAYS number step_(number a) { return a != a ? a : a > 0.0 ? 1.0 : 0.0; }
ALWAYS number choose_(number a, number x, number y) { return a > 0.0 ? x : y; }
ALWAYS number ratio_(number a, number b) { return a == 0.0 ? 0.0 : a / b; }
ALWAYS number times_(number a, number b) { return a == 0.0 ? 0.0 : a * b; }
ALWAYS number power_log_(number a, number b) { return a == 0.0 && b > 0.0 ? 0.0 : pow(a, b) * log(a); }
ALWAYS number picked_(const number *from, int count, number which)
{
    return which >= 1.0 && which < count + 1.0 ? from[(int)which - 1] : __builtin_nan("");
}
ALWAYS int in_a_row(const int *rows, int count)
{
    for (int i = 1; i < count; i++) if (rows[i] != rows[0] + i) return 0;
    return 1;
}
ALWAYS const number *gathered(number *restrict out, const number *restrict from, const int *rows, int count, whole size)
{
    for (int i = 0; i < count; i++)
        for (whole j = 0; j < size; j++) out[i * size + j] = from[rows[i] * size + j];
    return out;
}
ALWAYS number added(four v) { return (v[0] + v[1]) + (v[2] + v[3]); }
ALWAYS number dot1(const number *a, const number *b, whole n)
{
    four x = {0.0, 0.0, 0.0, 0.0}, y = x;
    number rest = 0.0;
    whole i = 0;
    for (; i + 8 <= n; i += 8) {
        x += *(const four *)(a + i) * *(const four *)(b + i);
        y += *(const four *)(a + i + 4) * *(const four *)(b + i + 4);
    }
    for (; i < n; i++) rest += a[i] * b[i];
    return added(x + y) + rest;
}
ALWAYS void dot4(number *out, whole step, const number *a, const number *b, whole next, whole n)
{
    four x = {0.0, 0.0, 0.0, 0.0}, y = x, z = x, u = x;
    const number *c = b + next, *d = c + next, *e = d + next;
    number p = 0.0, q = 0.0, r = 0.0, t = 0.0;
    whole i = 0;
    for (; i + 4 <= n; i += 4) {
        four v = *(const four *)(a + i);
        x += v * *(const four *)(b + i);
        y += v * *(const four *)(c + i);
        z += v * *(const four *)(d + i);
        u += v * *(const four *)(e + i);
    }
    for (; i < n; i++) { p += a[i] * b[i]; q += a[i] * c[i]; r += a[i] * d[i]; t += a[i] * e[i]; }
    out[0] = added(x) + p;
    out[step] = added(y) + q;
    out[2 * step] = added(z) + r;
    out[3 * step] = added(u) + t;
}
ALWAYS void dot8(number *out, whole step, const number *a, whole am, const number *b, whole next, whole n)
{ /* two rows with four */
    four x[8] = {{0.0}};
    number r[8] = {0.0};
    whole i = 0;
    for (; i + 4 <= n; i += 4) {
        four u = *(const four *)(a + i), v = *(const four *)(a + am + i);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            four w = *(const four *)(b + j * next + i);
            x[j] += u * w;
            x[4 + j] += v * w;
        }
    }
    for (; i < n; i++)
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) r[j] += a[j / 4 * am + i] * b[j % 4 * next + i];
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) out[j / 4 * step + j % 4] = added(x[j]) + r[j];
}
ALWAYS void tile(number *out, whole step, const number *a, whole am, whole ak, const number *b, whole bk, whole K)
{ /* four rows of eight */
    four x[8] = {{0.0}};
    for (whole k = 0; k < K; k++) {
        four u = *(const four *)(b + k * bk), v = *(const four *)(b + k * bk + 4);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            number w = a[i * am + k * ak];
            x[2 * i] += w * u;
            x[2 * i + 1] += w * v;
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        *(four *)(out + i * step) = x[2 * i];
        *(four *)(out + i * step + 4) = x[2 * i + 1];
    }
}
ALWAYS void strip(number *restrict out, const number *restrict a, whole ak, const number *restrict b,
                  whole bk, whole bn, whole N, whole K)
{ /* a row, from the rows of b */
    whole k = K % 4;
    for (whole n = 0; n < N; n++) out[n] = 0.0;
    for (whole j = 0; j < k; j++)
        for (whole n = 0; n < N; n++) out[n] += a[j * ak] * b[j * bk + n * bn];
    for (; k < K; k += 4) {
        const number *c = b + k * bk, *d = c + bk, *e = d + bk, *f = e + bk;
        const number p = a[k * ak], q = a[(k + 1) * ak], r = a[(k + 2) * ak], t = a[(k + 3) * ak];
        for (whole n = 0; n < N; n++) out[n] += p * c[n * bn] + q * d[n * bn] + r * e[n * bn] + t * f[n * bn];
    }
}
ALWAYS void product_(number *restrict out, const number *restrict a, whole am, whole ak, const number *restrict b,
                     whole bk, whole bn, whole M, whole N, whole K)
{
    whole m = 0;
    if (ak == 1 && bk == 1 && bn != 1) { /* rows with rows */
        for (; m + 2 <= M; m += 2) {
            whole n = 0;
            for (; n + 4 <= N; n += 4) dot8(out + m * N + n, N, a + m * am, am, b + n * bn, bn, K);
            for (; n < N; n++) {
                out[m * N + n] = dot1(a + m * am, b + n * bn, K);
                out[(m + 1) * N + n] = dot1(a + (m + 1) * am, b + n * bn, K);
            }
        }
        if (m < M) {
            whole n = 0;
            for (; n + 4 <= N; n += 4) dot4(out + m * N + n, 1, a + m * am, b + n * bn, bn, K);
            for (; n < N; n++) out[m * N + n] = dot1(a + m * am, b + n * bn, K);
        }
        return;
    }
    if (bn == 1) {
        for (; m + 4 <= M; m += 4) {
            whole n = 0;
            for (; n + 8 <= N; n += 8) tile(out + m * N + n, N, a + m * am, am, ak, b + n, bk, K);
            for (; n < N; n++)
                for (whole i = m; i < m + 4; i++) {
                    number x = 0.0;
                    for (whole k = 0; k < K; k++) x += a[i * am + k * ak] * b[k * bk + n];
                    out[i * N + n] = x;
                }
        }
    }
    for (; m < M; m++) strip(out + m * N, a + m * am, ak, b, bk, bn, N, K);
}
/* Large ones once for all calls: written out for each they would take the compiler longer than they save. */
MANY ONCE void rows_with_rows(number *restrict out, const number *restrict a, whole am, const number *restrict b,
                              whole bn, whole M, whole N, whole K)
{
    product_(out, a, am, 1, b, 1, bn, M, N, K);
}
MANY ONCE void rows_from_rows(number *restrict out, const number *restrict a, whole am, whole ak,
                              const number *restrict b, whole bk, whole M, whole N, whole K)
{
    product_(out, a, am, ak, b, bk, 1, M, N, K);
}
ALWAYS void product(number *restrict out, const number *restrict a, whole am, whole ak, const number *restrict b,
                    whole bk, whole bn, whole M, whole N, whole K)
{
    if (M > 1 && N > 1 && M * N * K > 2000 && ak == 1 && bk == 1 && bn != 1) rows_with_rows(out, a, am, b, bn, M, N, K);
    else if (M > 1 && N > 1 && M * N * K > 2000 && bn == 1) rows_from_rows(out, a, am, ak, b, bk, M, N, K);
    else if (N == 1) product_(out, b, 0, bk, a, ak, am, 1, M, K); /* a column: the same as a row from the other side */
    else product_(out, a, am, ak, b, bk, bn, M, N, K);
}
"""


def elementwise(op: str, args: Sequence[str], param: int | None = None) -> str:
    """An operator that goes element by element. Raises NotInC if C has none."""
    a, b = args[0], args[-1]
    match op:
        case "add" | "sub" | "mul" | "div":
            return f"({SIGNS[op].join(args)})" if len(args) > 1 else a
        case "neg":
            return f"(-{a})"
        case "linear":
            return a
        case "reciprocal":
            return f"(1.0 / {a})"
        case "hit":
            return f"({a} == {param} ? 1.0 : 0.0)"
        case "pick":
            return f"picked_((const number[]){{{', '.join(args[1:])}}}, {len(args) - 1}, {a})"
        case "max" | "min" if len(args) > 2:
            return f"{op}_({elementwise(op, args[:-1])}, {b})"
        case "step":
            return f"step_({a})"
        case "wins_max" | "wins_min":
            assert param is not None
            mine = args[param]
            beats = [f"{mine} {WINS[op]}{'=' * (k > param)} {b}" for k, b in enumerate(args) if k != param]
            return f"({' && '.join(beats) or 1} ? 1.0 : 0.0)"
    if op not in _FUNCTIONS:
        raise NotInC(op)
    return f"{_FUNCTIONS[op]}({', '.join(args)})"


def spelled_out(
    node: Call, shape: Shape, examples: int, at: Callable[[int, Sequence[str]], str]
) -> Iterator[tuple[tuple[int, ...], str]]:
    """Each element of an operator of arrays by its scalar view; `at` says an element of its argument number k.

    Raises NotInC where that is too long, or has an operator that C lacks.
    """
    length = 0
    for index in indices(shape):
        own: Expr = node
        if node.batched:
            own = at_example(node, index[0])
        text = _said(element(own, index[1:] if node.batched else index), at)
        length += len(text)
        if length > LONGEST:
            raise NotInC(node.op)
        yield index, text


def _said(expr: Expr, at: Callable[[int, Sequence[str]], str]) -> str:
    """A scalar formula over elements of arguments."""
    if isinstance(expr, Const):
        return literal(expr.value)
    if isinstance(expr, Ref):
        if expr.shape:
            raise NotInC("an element that is made of whole arrays")
        example = () if expr.example is None else (expr.example,)
        return at(int(expr.symbol.id), [str(i) for i in (*example, *(expr.index or ()))])
    assert isinstance(expr, Call)
    written = written_out(expr)
    if written is not None:
        return _said(written, at)
    args = [_said(arg, at) for arg in expr.args]
    if expr.op == "mul" and isinstance(expr.args[0], Call) and expr.args[0].op == "hit":
        return f"({args[0]} != 0.0 ? {args[1]} : 0.0)"  # what is not taken is left out, be it infinite
    if expr.op not in ELEMENTWISE or expr.op in WINS:
        raise NotInC(expr.op)
    return elementwise(expr.op, args, expr.param)
