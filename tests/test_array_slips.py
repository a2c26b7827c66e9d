"""The slips of lessons about arrays: each in a lesson written here, its wrong number from NumPy code that shares
nothing with the tutor's trees; found whatever the values are called, and whether a layer is one call or ten gates.

The slips PLANTED here are asked in `test_misconceptions.py`, with all others.
"""

from __future__ import annotations

import importlib.util
import math
import random
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from strategies import bundled
from test_rounding import assert_never_punished
from tutor.engine.expressions import Call, Ref, Symbol, call, element, evaluate
from tutor.engine.lesson import Lesson
from tutor.engine.trace import trace
from tutor.lessonfiles.check import load
from tutor.questions.grading import grade
from tutor.questions.kinds import KINDS
from tutor.questions.question import Question
from tutor.questions.rounding import bounds
from tutor.questions.slips import table_for
from tutor.text.writer import Writer


def written(lines: str, inputs: dict[str, np.ndarray], data: str = "", more: str = "") -> Lesson:
    """A lesson from its lines; its inputs as TOML."""
    quoted = ",\n".join(f'"{line.strip()}"' for line in lines.strip().splitlines())
    given = "\n".join(f"{name} = {np.asarray(value).tolist()}" for name, value in inputs.items())
    fixed = f"data = {data.split()!r}\n" if data else ""
    head = f'format = 1\ntitle = "arrays"\n[circuit]\noutput = "L"\n{fixed}{more}define = [{quoted}]'
    with TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.toml"
        path.write_text(f"{head}\n[circuit.inputs]\n{given}\n", encoding="utf-8")
        return load(path)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def soft(z, axis=-1):
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


A = np.array

# ---------------------------------------------------------------- attention, causal, with a skip connection

X = A([[1.0, 0.0], [0.5, 2.0], [-1.0, 0.5]])
WQ, WK, WV = A([[1.0, 0.5], [-0.5, 1.0]]), A([[0.5, -1.0], [0.3, 1.0]]), A([[1.0, 0.4], [-0.2, 0.7]])
YS = A([[1.0, 0.5], [0.2, 1.0], [0.0, -1.0]])
ATTENTION = """Q = X @ Wq
    K = X @ Wk
    V = X @ Wv
    S = causal(Q @ K.T / sqrt(2))
    P = softmax(S)
    O = X + P @ V
    L = sum((O - Y)**2) / 2"""
OTHER_NAMES = """alpha = tokens @ one
    beta = tokens @ two
    gamma = tokens @ three
    match = alpha @ beta.T
    look = softmax(causal(match * (1 / sqrt(2))))
    mixed = look @ gamma
    out = mixed + tokens
    away = out - Y
    L = sum(away * away) / 2"""


SCALED_FIRST = """Q = X @ Wq
    q = Q / sqrt(2)
    K = X @ Wk
    V = X @ Wv
    P = softmax(causal(q @ K.T))
    L = sum((X + P @ V - Y)**2) / 2"""


@cache
def scaled_first() -> Lesson:
    return written(SCALED_FIRST, {"X": X, "Wq": WQ, "Wk": WK, "Wv": WV, "Y": YS}, "Y")


@cache
def attention() -> Lesson:
    return written(ATTENTION, {"X": X, "Wq": WQ, "Wk": WK, "Wv": WV, "Y": YS}, "Y")


@cache
def renamed() -> Lesson:
    return written(OTHER_NAMES, {"tokens": X, "one": WQ, "two": WK, "three": WV, "Y": YS}, "Y")


Q, K, V = X @ WQ, X @ WK, X @ WV
RAW = Q @ K.T
SEEN = np.tril(np.ones((3, 3)))
MASKED = np.where(SEEN > 0, RAW / math.sqrt(2), -np.inf)
P = soft(MASKED)
DO = X + P @ V - YS
DP, DV = DO @ V.T, P.T @ DO
DS = P * (DP - (DP * P).sum(axis=1, keepdims=True))
DRAW = SEEN * DS / math.sqrt(2)
DQ, DK = DRAW @ K, DRAW.T @ Q
DX = DO + DV @ WV.T + DK @ WK.T + DQ @ WQ.T

# ---------------------------------------------------------------- a norm in one line, and in ten gates

XN, EPS = A([[1.0, 0.5], [2.0, -1.0], [4.5, 0.0]]), 0.1
GAIN, SHIFT, CN = A([2.0, 0.5]), A([0.1, -0.2]), A([[1.0, -0.5], [0.5, 2.0], [-1.5, 1.0]])
IN_A_LINE = """n = norm(x, axis=0, eps=0.1)
    h = g * n + b
    L = sum(h * C)"""
IN_GATES = """m = mean(x, axis=0)
    d = x - m
    v = mean(d**2, axis=0)
    s = sqrt(v + 0.1)
    n = d / s
    h = g * n + b
    L = sum(h * C)"""
AS_MAKEMORE = """mu = 1/3 * sum(x, axis=0)
    diff = x - mu
    diff2 = diff**2
    spread = 1/3 * sum(diff2, axis=0)
    inv = (spread + 0.1)**-0.5
    raw = diff * inv
    h = g * raw + b
    L = sum(h * C)"""
WITH_VAR = """d = x - mean(x, axis=0)
    n = d / sqrt(var(x, axis=0) + 0.1)
    L = sum((g * n + b) * C)"""


@cache
def normed(lines: str = IN_A_LINE) -> Lesson:
    return written(lines, {"x": XN, "g": GAIN, "b": SHIFT, "C": CN}, "C")


# A norm by the root of the mean square, which takes no mean off, in four spellings.
RMS = {
    "in a line": "n = x / sqrt(mean(x**2, axis=1, keepdims=True) + 0.1)\n    L = sum(g * n * C)",
    "in gates": """q = x * x
    s = mean(q, axis=1, keepdims=True)
    r = sqrt(s + 0.1)
    n = x / r
    h = n * g
    L = sum(h * C)""",
    "by the inverse": """ms = sum(x**2, axis=1, keepdims=True) / 2
    inv = (ms + 0.1)**-0.5
    n = x * inv
    L = sum(n * g * C)""",
}


@cache
def rms(spelling: str) -> Lesson:
    return written(RMS[spelling], {"x": XN, "g": GAIN, "C": CN}, "C")


RS = np.sqrt((XN**2).mean(axis=1, keepdims=True) + EPS)
NR = XN / RS
DNR = CN * GAIN
DXR = (DNR - NR * (DNR * NR).mean(axis=1, keepdims=True)) / RS

AWAY = XN - XN.mean(axis=0)
VAR = (AWAY**2).mean(axis=0)
ROOT = np.sqrt(VAR + EPS)
HAT = AWAY / ROOT
DN = CN * GAIN
DXN = (DN - DN.mean(axis=0) - HAT * (DN * HAT).mean(axis=0)) / ROOT
DAWAY = DN / ROOT - AWAY * (DN * AWAY).mean(axis=0) / ROOT**3  # what comes back to x − mean
BESSEL = np.sqrt(VAR * 3 / 2 + EPS)

# ---------------------------------------------------------------- three steps in time, and two of an LSTM

XT = A([[1.0, -0.5], [0.0, 2.0], [1.5, 1.0]])
WX, WH, BH, YT = A([[0.5, -0.3], [0.2, 0.4]]), A([[0.6, 0.1], [-0.4, 0.7]]), A([0.1, -0.2]), A([1.0, -1.0])
RECURRENCE = """h{t} = tanh(Wx @ x{t} + Wh @ h{t-1} + b)
    L = sum((h3 - y)**2)"""
BY_HAND = """first = tanh(U @ a + W @ start + c)
    second = tanh(U @ b + W @ first + c)
    third = tanh(U @ d + W @ second + c)
    L = sum((third - y)**2)"""


@cache
def recurrence() -> Lesson:
    given = {"x": XT, "h0": A([0.0, 0.0]), "Wx": WX, "Wh": WH, "b": BH, "y": YT}
    return written(RECURRENCE, given, "y", "repeat = { t = [1, 3] }\n")


@cache
def unrolled() -> Lesson:
    steps = dict(zip("abd", XT, strict=True))
    return written(BY_HAND, {**steps, "start": A([0.0, 0.0]), "U": WX, "W": WH, "c": BH, "y": YT}, "y")


Z1 = WX @ XT[0] + BH
H1 = np.tanh(Z1)
Z2 = WX @ XT[1] + WH @ H1 + BH
H2 = np.tanh(Z2)
Z3 = WX @ XT[2] + WH @ H2 + BH
H3 = np.tanh(Z3)
DH3 = 2 * (H3 - YT)
DZ3 = DH3 * (1 - H3**2)
DH2 = WH.T @ DZ3
DZ2 = DH2 * (1 - H2**2)
DZ1 = (WH.T @ DZ2) * (1 - H1**2)

LSTM = """f{t} = sigmoid(Wf @ x{t} + Uf @ h{t-1})
    i{t} = sigmoid(Wi @ x{t} + Ui @ h{t-1})
    o{t} = sigmoid(Wo @ x{t} + Uo @ h{t-1})
    q{t} = tanh(Wq @ x{t} + Uq @ h{t-1})
    c{t} = f{t} * c{t-1} + i{t} * q{t}
    h{t} = o{t} * tanh(c{t})
    L = sum(h2 * y)"""
WS = {name: np.round(np.cos(np.arange(4).reshape(2, 2) * (k + 1.3)), 1) for k, name in enumerate("fioq")}
US = {name: np.round(np.sin(np.arange(1, 5).reshape(2, 2) * (k + 0.7)), 1) for k, name in enumerate("fioq")}


@cache
def lstm() -> Lesson:
    given = {"x": XT[:2], "h0": A([0.5, -0.5]), "c0": A([0.2, 0.4]), "y": YT}
    given |= {f"W{k}": W for k, W in WS.items()} | {f"U{k}": U for k, U in US.items()}
    return written(LSTM, given, "y", "repeat = { t = [1, 2] }\n")


def lstm_step(x, h, c):
    f, i, o = (sigma(WS[k] @ x + US[k] @ h) for k in "fio")
    q = np.tanh(WS["q"] @ x + US["q"] @ h)
    return f, i, o, q, f * c + i * q


F1, I1, O1, Q1, C1 = lstm_step(XT[0], A([0.5, -0.5]), A([0.2, 0.4]))
HL1 = O1 * np.tanh(C1)
F2, I2, O2, Q2, C2 = lstm_step(XT[1], HL1, C1)
DC2 = YT * O2 * (1 - np.tanh(C2) ** 2)
DFZ, DOZ = DC2 * C1 * F2 * (1 - F2), YT * np.tanh(C2) * O2 * (1 - O2)
DIZ, DQZ = DC2 * Q2 * I2 * (1 - I2), DC2 * I2 * (1 - Q2**2)
DH1 = sum(US[k].T @ dz for k, dz in zip("fioq", (DFZ, DIZ, DOZ, DQZ), strict=True))
DC1 = DC2 * F2 + DH1 * O1 * (1 - np.tanh(C1) ** 2)

# ---------------------------------------------------------------- convolution, pooling

XC, KC, WC = A([1.0, -0.5, 2.0, 0.5, -1.0]), A([0.5, -1.0, 2.0]), A([1.0, -2.0])
CONV = """c = conv(x, k) + b
    p = max_pool(c, 2, stride=1)
    L = sum(p * w)"""


@cache
def convolution() -> Lesson:
    return written(CONV, {"x": XC, "k": KC, "b": A(0.3), "w": WC}, "w")


C = A([XC[i : i + 3] @ KC for i in range(3)]) + 0.3  # 5.05, −0.95 …
TOPS = [int(np.argmax(C[i : i + 2])) + i for i in range(2)]
DC = A([sum(w for w, top in zip(WC, TOPS, strict=True) if top == i) for i in range(3)])
DXC = sum(A([0.0] * i + list(DC[i] * KC) + [0.0] * (2 - i)) for i in range(3))
OVERWRITTEN = A([DC[0] * KC[0], DC[1] * KC[0], *(DC[2] * KC)])

TIED = """p = max_pool(x, 2)
    m = max(x, axis=1)
    a = avg_pool(x, 2)
    L = sum(p * w) + sum(m * u) + sum(a * w)"""
XP, WP, UP = A([[1.0, 3.0, 2.0, 0.5], [3.0, -1.0, 2.0, 2.0]]), A([[2.0, -1.5]]), A([0.5, 4.0])


@cache
def pooling() -> Lesson:
    return written(TIED, {"x": XP, "w": WP, "u": UP}, "w u")


# Windows of 2 × 2 that overlap: the centre is in all four, and it is the largest of three of them.
XO = A([[1.0, 3.0, 0.5], [2.0, 2.5, 1.0], [-1.0, 0.0, 2.0]])
GP, GA = A([[0.5, -2.0], [1.5, 4.0]]), A([[1.0, 2.0], [-1.5, 0.7]])


@cache
def overlapping() -> Lesson:
    lines = "p = max_pool(x, 2, stride=1)\na = avg_pool(x, 2, stride=1)\nL = sum(p * u) + sum(a * w)"
    return written(lines, {"x": XO, "u": GP, "w": GA}, "u w")


# ---------------------------------------------------------------- embedding, log-softmax, cross-entropy, dropout

E, CE = A([[1.0, 0.5], [-1.0, 2.0], [0.5, 0.0]]), A([[1.0, -2.0], [0.5, 3.0], [4.0, 1.5]])


@cache
def embedded() -> Lesson:
    return written("e = embedding(E, ids)\nL = sum(e * C)", {"E": E, "ids": A([1, 3, 1]), "C": CE}, "ids C")


ZL, CL = A([[1.0, 0.0, -0.5], [0.3, 2.0, 1.0]]), A([[1.0, 0.5, -1.0], [2.0, -0.5, 0.3]])


@cache
def logs() -> Lesson:
    return written("p = log_softmax(z)\nL = sum(p * C)", {"z": ZL, "C": CL}, "C")


@cache
def entropy() -> Lesson:
    return written("L = cross_entropy(z, t)", {"z": ZL, "t": A([1, 3])}, "t")


CROSS = -(math.log(soft(ZL)[0, 0]) + math.log(soft(ZL)[1, 2])) / 2
MASK = A([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])


@cache
def dropped() -> Lesson:
    lines = "y = h * M / (1 - 0.2)\nq = h * N\nL = sum(y * C) + sum(q * C)"
    return written(lines, {"h": ZL, "M": MASK, "N": 2 * MASK, "C": CL}, "M N C")


# ---------------------------------------------------------------- in general

SA, SB, SC, SV = (
    A([[1.0, 2.0], [3.0, -1.0]]),
    A([[0.5, 1.0], [-2.0, 4.0]]),
    A([[1.0, 0.3], [-0.7, 2.0]]),
    A([0.5, -1.5]),
)


@cache
def square() -> Lesson:
    return written(
        "Y = A @ B + v\nm = mean(Y, axis=0)\nL = sum(Y * C) + sum(m * w)",
        {"A": SA, "B": SB, "v": SV, "C": SC, "w": A([2.0, 5.0])},
        "C w",
    )


YQ = SA @ SB + SV
DY = SC + A([2.0, 5.0]) / 2

PLANTED = [
    ("scale-forgotten", attention(), "S.2[2,1]", RAW[1, 0]),
    ("scale-forgotten", attention(), "dL/dS.1[2,1]", DS[1, 0]),
    ("scale-forgotten", renamed(), "dL/dmatch[2,1]", DS[1, 0]),
    ("scale-forgotten", scaled_first(), "q[2,1]", Q[1, 0]),
    ("scale-forgotten", scaled_first(), "dL/dQ[2,1]", DQ[1, 0] * math.sqrt(2)),
    ("attention-path-forgotten", scaled_first(), "dL/dX[2,1]", (DX - DQ @ WQ.T)[1, 0]),
    ("scale-twice", attention(), "S.2[3,2]", RAW[2, 1] / 2),
    ("scale-twice", attention(), "dL/dS.1[2,1]", DS[1, 0] / 2),
    ("mask-forgotten", attention(), "P[1,1]", soft(RAW / math.sqrt(2))[0, 0]),
    ("mask-forgotten", renamed(), "look[2,1]", soft(RAW / math.sqrt(2))[1, 0]),
    ("softmax-columns", attention(), "P[2,1]", soft(MASKED, axis=0)[1, 0]),
    ("softmax-columns", attention(), "dL/dS[3,1]", (P * (DP - (DP * P).sum(axis=0)))[2, 0]),
    ("softmax-diagonal", attention(), "dL/dS[3,1]", (DP * P * (1 - P))[2, 0]),
    ("softmax-diagonal", renamed(), "dL/dlook.2[2,2]", (DP * P * (1 - P))[1, 1]),
    ("attention-path-forgotten", attention(), "dL/dX[2,1]", (DX - DK @ WK.T)[1, 0]),
    ("attention-path-forgotten", attention(), "dL/dX[1,2]", (DX - DQ @ WQ.T - DK @ WK.T)[0, 1]),
    ("attention-path-forgotten", renamed(), "dL/dtokens[3,1]", (DX - DV @ WV.T)[2, 0]),
    ("skip-forgotten", attention(), "O[2,1]", (P @ V)[1, 0]),
    ("skip-forgotten", attention(), "dL/dX[2,2]", (DX - DO)[1, 1]),
    ("skip-forgotten", renamed(), "dL/dtokens[2,2]", (DX - DO)[1, 1]),
    ("factor-turned", attention(), "dL/dWq[1,2]", (DQ.T @ X)[0, 1]),
    ("factor-turned", square(), "dL/dA[1,2]", (DY @ SB)[0, 1]),
    ("factor-turned", square(), "Y[1,2]", (SB @ SA + SV)[0, 1]),
    ("factor-turned", recurrence(), "dL/dh2[1]", (WH @ DZ3)[0]),
    ("element-by-element", square(), "Y[2,1]", (SA * SB + SV)[1, 0]),
    ("element-by-element", square(), "dL/dA[2,1]", (DY * SB.T)[1, 0]),
    ("wrong-axis", square(), "m[1]", YQ.mean(axis=1)[0]),
    ("factor-left-out", recurrence(), "dL/dWh[1,2]@h2", DZ2[0]),
    ("matrix-skipped", recurrence(), "dL/dh2[1]", DZ3[0]),
    ("wrong-axis", square(), "dL/dv[2]", DY.sum(axis=1)[1]),
    ("repeats-not-summed", square(), "dL/dv[1]", DY[1, 0]),
    ("repeats-not-summed", normed(), "dL/db[2]", CN[1, 1]),
    ("repeats-not-summed", convolution(), "dL/db", DC[1]),
    ("term-left-out", square(), "Y[1,1]", (SA @ SB)[0, 0]),
    ("term-left-out", recurrence(), "h2.1[2]", (Z2 - BH)[1]),
    ("other-element", recurrence(), "dL/dh3.1[1]", DH3[0] * (1 - H3[1] ** 2)),
    ("mean-for-sum-of-array", normed(), "dL/db[2]", CN[:, 1].mean()),
    ("mean-for-sum-of-array", convolution(), "dL/db", DC.mean()),
    ("mean-not-divided", square(), "m[2]", YQ.sum(axis=0)[1]),
    ("mean-not-divided", square(), "dL/dY[1,2]", SC[0, 1] + 5.0),
    ("mean-not-divided", entropy(), "L", 2 * CROSS),
    ("mean-not-divided", entropy(), "dL/dz[2,1]", soft(ZL)[1, 0]),
    ("mean-not-divided", pooling(), "dL/dx[1,1]", 0.0 + 2.0 + 0.0),
    ("norm-constants", normed(), "dL/dx[2,1]", (DN / ROOT)[1, 0]),
    ("norm-constants", normed(), "dL/dx[1,2]", ((DN - DN.mean(axis=0)) / ROOT)[0, 1]),
    ("norm-constants", normed(IN_GATES), "dL/dx[2,1]", (DN / ROOT)[1, 0]),
    ("norm-constants", normed(IN_GATES), "dL/dd[2,1]", (DN / ROOT)[1, 0]),
    ("norm-constants", normed(IN_GATES), "dL/dx[3,2]", DAWAY[2, 1]),
    ("norm-constants", normed(AS_MAKEMORE), "dL/dx[2,1]", (DN / ROOT)[1, 0]),
    ("norm-constants", normed(AS_MAKEMORE), "dL/dx[1,2]", ((DN - DN.mean(axis=0)) / ROOT)[0, 1]),
    ("norm-constants", normed(WITH_VAR), "dL/dx[2,1]", (DN / ROOT)[1, 0]),
    ("n-minus-one", normed(), "n[2,1]", (AWAY / BESSEL)[1, 0]),
    ("n-minus-one", normed(), "dL/dx[1,2]", ((DN - DN.mean(axis=0) - HAT * (DN * HAT).sum(axis=0) / 2) / ROOT)[0, 1]),
    ("n-minus-one", normed(IN_GATES), "v[1]", VAR[0] * 3 / 2),
    ("n-minus-one", normed(AS_MAKEMORE), "spread[2]", VAR[1] * 3 / 2),
    ("n-minus-one", normed(WITH_VAR), "n.1[2]", VAR[1] * 3 / 2),
    ("eps-outside", normed(), "n[3,1]", (AWAY / (np.sqrt(VAR) + EPS))[2, 0]),
    ("eps-outside", normed(IN_GATES), "s[2]", math.sqrt(VAR[1]) + EPS),
    ("eps-outside", normed(AS_MAKEMORE), "inv[1]", 1 / (math.sqrt(VAR[0]) + EPS)),
    ("gain-forgotten", normed(), "dL/dn[2,1]", CN[1, 0]),
    ("gain-forgotten", normed(IN_GATES), "dL/dn[3,1]", CN[2, 0]),
    ("gain-forgotten", normed(AS_MAKEMORE), "dL/draw[1,2]", CN[0, 1]),
    ("log-softmax-without-sum", logs(), "dL/dz[1,2]", CL[0, 1]),
    ("log-softmax-without-sum", logs(), "dL/dz[2,1]", (CL - soft(ZL) * CL)[1, 0]),
    ("log-softmax-without-sum", logs(), "p[2,2]", ZL[1, 1]),
    ("not-through-time", recurrence(), "dL/dWh[1,2]", np.outer(DZ3, H2)[0, 1]),
    ("not-through-time", unrolled(), "dL/dW[2,1]", np.outer(DZ3, H2)[1, 0]),
    ("not-through-time", lstm(), "dL/dc1[1]", (DH1 * O1 * (1 - np.tanh(C1) ** 2))[0]),
    ("one-use-for-sum", recurrence(), "dL/dWh[1,2]", np.outer(DZ2, H1)[0, 1]),
    ("one-use-for-sum", recurrence(), "dL/db[2]", DZ1[1]),
    ("one-use-for-sum", unrolled(), "dL/dc[2]", DZ1[1]),
    ("one-gate-only", lstm(), "dL/dh1[1]", (US["f"].T @ DFZ)[0]),
    ("one-gate-only", lstm(), "dL/dh1[2]", (US["o"].T @ DOZ)[1]),
    ("slope-from-z", recurrence(), "dL/dh2.1[2]", (DH2 * (1 - Z2**2))[1]),
    ("upstream-lost", square(), "dL/dA[1,2]", SB.sum(axis=1)[1]),
    ("upstream-lost", recurrence(), "dL/dh2.1[1]", (1 - H2**2)[0]),
    *(("mean-square-constant", rms(spelling), "dL/dx[2,1]", (DNR / RS)[1, 0]) for spelling in RMS),
    ("eps-outside", rms("in gates"), "r[2,1]", math.sqrt((XN[1] ** 2).mean()) + EPS),
    ("eps-outside", rms("by the inverse"), "inv[1,1]", 1 / (math.sqrt((XN[0] ** 2).mean()) + EPS)),
    ("eps-outside", rms("in a line"), "n[1,2]", XN[0, 1] / (math.sqrt((XN[0] ** 2).mean()) + EPS)),
    ("gain-forgotten", rms("in gates"), "dL/dn[3,1]", CN[2, 0]),
    ("overlaps-overwritten", overlapping(), "dL/dx@p[2,2]", GP[1, 1]),
    ("overlaps-overwritten", overlapping(), "dL/dx@p[1,2]", GP[0, 1]),
    ("overlaps-overwritten", overlapping(), "dL/dx@a[2,2]", GA[1, 1] / 4),
    ("not-through-time", recurrence(), "dL/dh2[1]", 0.0),
    ("own-state", recurrence(), "dL/dWh[1,2]", sum(map(np.outer, (DZ1, DZ2, DZ3), (H1, H2, H3)))[0, 1]),
    ("own-state", unrolled(), "dL/dW[2,1]", sum(map(np.outer, (DZ1, DZ2, DZ3), (H1, H2, H3)))[1, 0]),
    ("mean-for-sum-of-array", recurrence(), "dL/dWh[1,2]", sum(map(np.outer, (DZ2, DZ3), (H1, H2)))[0, 1] / 3),
    ("mean-for-sum-of-array", convolution(), "dL/dk[1]", sum(DC[i] * XC[i] for i in range(3)) / 3),
    ("mean-for-sum-of-array", attention(), "dL/dX[2,1]", DX[1, 0] / 4),
    ("last-place-only", convolution(), "dL/dk[1]", DC[2] * XC[2]),
    ("mask-turned", attention(), "P[2,2]", soft(np.where(SEEN.T > 0, RAW / math.sqrt(2), -np.inf))[1, 1]),
    ("softmax-columns", attention(), "P[2,1]", np.exp(MASKED)[1, 0] / np.exp(MASKED).sum()),
    ("root-left-out", normed(IN_GATES), "s[2]", VAR[1] + EPS),
    ("another-activation", recurrence(), "h2[1]", sigma(Z2[0])),
    ("kernel-flipped", convolution(), "c.1[1]", XC[:3] @ KC[::-1]),
    ("kernel-flipped", convolution(), "dL/dk[1]", sum(DC[i] * XC[i + 2] for i in range(3))),
    ("overlaps-overwritten", convolution(), "dL/dx[3]", OVERWRITTEN[2]),
    ("bias-each-element", convolution(), "c[2]", C[1] + 2 * 0.3),
    ("max-spread", convolution(), "dL/dc[2]", WC[0] + WC[1]),
    ("max-spread", pooling(), "dL/dx[2,4]", UP[1] + WP[0, 1] / 4),
    ("every-maximum", pooling(), "dL/dx[2,1]", WP[0, 0] + UP[1] + WP[0, 0] / 4),
    ("every-maximum", pooling(), "dL/dx[2,4]", WP[0, 1] + WP[0, 1] / 4),
    ("row-overwritten", embedded(), "dL/dE[1,2]", CE[2, 1]),
    ("dropout-mask-forgotten", dropped(), "dL/dh[1,2]", CL[0, 1] / 0.8),
    ("dropout-scale-forgotten", dropped(), "dL/dy.1[2,2]", CL[1, 1]),
    ("dropout-scale-forgotten", dropped(), "dL/dh[2,2]", CL[1, 1] / 0.8 + CL[1, 1]),
]
LESSONS = [
    attention(), renamed(), scaled_first(), normed(), *map(normed, (IN_GATES, AS_MAKEMORE, WITH_VAR)), recurrence(),
    unrolled(), lstm(), convolution(), pooling(), embedded(), logs(), entropy(), dropped(), square(), *map(rms, RMS),
    overlapping(),
]  # fmt: skip


def asked(lesson: Lesson, step: str) -> Question:
    return Question(trace(lesson).find(step), Writer(lesson, "dz"))


@pytest.mark.parametrize(
    ("lesson", "step", "value"),
    [
        (attention(), "dL/dX", DX), (renamed(), "dL/dtokens", DX), (lstm(), "dL/dh1", DH1), (lstm(), "dL/dc1", DC1),
        (convolution(), "dL/dx", DXC), (recurrence(), "dL/db", DZ1 + DZ2 + DZ3), (unrolled(), "dL/dc", DZ1 + DZ2 + DZ3),
        *((rms(spelling), "dL/dx", DXR) for spelling in RMS),
        *((normed(lines), "dL/dx", DXN) for lines in (IN_A_LINE, IN_GATES, AS_MAKEMORE, WITH_VAR)),
    ],
)  # fmt: skip
def test_what_is_right_here_is_right_there(lesson, step, value):
    np.testing.assert_allclose(trace(lesson).find(step).value, value, rtol=1e-10)


# ---------------------------------------------------------------- no false accusation, and what is told first


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.circuit.definitions[0].name)
def test_a_right_answer_and_a_rounded_one_are_right(lesson):
    for step in list(trace(lesson).steps("scalar"))[::3]:
        if not np.isfinite(step.value):
            continue
        question = Question(step, Writer(lesson, "dz"))
        for digits in (question.digits, 8):
            assert grade(question, f"{step.value:.{digits}g}").correct, (step.id, digits)


@pytest.mark.parametrize(
    ("lesson", "step", "wrong", "first"),
    [
        (attention(), "dL/dX[2,1]", (DX - DK @ WK.T)[1, 0], "attention-path-forgotten"),
        (attention(), "dL/dX[2,2]", (DX - DO)[1, 1], "skip-forgotten"),
        (attention(), "dL/dS.1[2,1]", DS[1, 0], "scale-forgotten"),
        (normed(), "dL/dn[2,1]", CN[1, 0], "gain-forgotten"),
        (normed(IN_GATES), "dL/dd[2,1]", (DN / ROOT)[1, 0], "norm-constants"),
        (normed(WITH_VAR), "dL/dx[2,1]", (DN / ROOT)[1, 0], "norm-constants"),
        (recurrence(), "dL/dWh[1,2]", np.outer(DZ3, H2)[0, 1], "not-through-time"),
        (recurrence(), "dL/dWh[1,2]", np.outer(DZ2, H1)[0, 1], "one-use-for-sum"),
        (lstm(), "dL/dh1[1]", (US["f"].T @ DFZ)[0], "one-gate-only"),
        (embedded(), "dL/dE[1,2]", CE[2, 1], "row-overwritten"),
        (entropy(), "dL/dz[2,1]", soft(ZL)[1, 0], "mean-not-divided"),
        (dropped(), "dL/dy.1[2,2]", CL[1, 1], "dropout-scale-forgotten"),
    ],
)
def test_the_slip_of_the_layer_is_told_before_those_that_are_so_everywhere(lesson, step, wrong, first):
    assert grade(asked(lesson, step), f"{wrong:#.6g}").slips[0].misconception == first


def test_a_zero_beside_a_blocked_position_is_no_number_that_anything_comes_near():
    """The operand −∞ has no size: 0.2 is not 0."""
    unmasked = soft(RAW / math.sqrt(2))[0, 1]
    assert grade(asked(attention(), "P[1,2]"), f"{unmasked:.5g}").slips[0].misconception == "mask-forgotten"
    assert grade(asked(attention(), "P[1,2]"), "0.2").kind == "wrong"
    assert grade(asked(attention(), "P[1,2]"), "0").correct


@cache
def of_the_world():
    """The benchmark's mistakes in layers, in plain NumPy, as people's code had them."""
    file = Path(__file__).parent.parent / "benchmarks" / "seen_arrays.py"
    spec = importlib.util.spec_from_file_location("seen_arrays", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["seen_arrays"] = module
    spec.loader.exec_module(module)
    return list(module.planted(random.Random(3)))


@pytest.mark.parametrize("at", range(15))
def test_mistakes_found_in_the_world_are_named(at):
    lesson, mistake, values = of_the_world()[at]
    named = []
    for index in np.ndindex(values.shape):
        question = Question(trace(lesson).find(mistake.step).at(index), Writer(lesson, "dz"))
        near = abs(values[index] - question.right) <= 0.02 * abs(question.right)
        if np.isfinite(question.right) and not near:
            verdict = grade(question, f"{values[index]:#.6g}" if values[index] else "0")
            named.append(bool({slip.misconception for slip in verdict.slips} & mistake.expected))
    assert named and all(named), (mistake.name, named)


def test_a_slip_that_leaves_some_elements_as_they_are_keeps_none_of_them_from_being_asked():
    """A mask of 1s and 0s, windows without equal numbers, an eps that no digit shows, ids that do not repeat."""
    tiny = written("n = norm(x, axis=0)\nL = sum(n * C)", {"x": XN, "C": CN}, "C")
    once = written("e = embedding(E, ids)\nL = sum(e * C)", {"E": E, "ids": A([1, 3, 2]), "C": CE}, "ids C")
    plain = written("y = h * M\nL = sum(y * C)", {"h": ZL, "M": MASK, "C": CL}, "M C")
    for lesson, step in ((tiny, "n"), (once, "dL/dE"), (plain, "dL/dh"), (convolution(), "dL/dc"), (attention(), "S")):
        assert item(lesson, step, "value") is not None, step


@pytest.mark.parametrize(
    ("id", "step", "slip"),
    [
        ("recurrence", "dL/dWh", "not-through-time"), ("lstm", "dL/dv", "one-gate-only"),
        ("convolution", "dL/dx", "overlaps-overwritten"), ("pooling", "dL/dx@m", "every-maximum"),
        ("batch-norm", "dL/dX", "norm-constants"), ("batch-norm", "dL/dA", "gain-forgotten"),
        ("layer-norm", "dL/dX", "skip-forgotten"), ("embeddings", "dL/dE", "row-overwritten"),
        ("attention", "dL/dS.1", "scale-forgotten"), ("transformer-block", "dL/dN1", "attention-path-forgotten"),
        ("dropout-gelu", "dL/dh", "dropout-mask-forgotten"), ("language-model", "dL/dh", "norm-constants"),
    ],
)  # fmt: skip
def test_the_course_has_the_slips_of_its_layers(id, step, slip):
    here = trace(bundled(id))
    assert slip in {entry[0] for entry in table_for(here, here.find(step).equation).entries}


# ---------------------------------------------------------------- rounding on the way; a block of a transformer


@pytest.mark.parametrize(
    "lesson",
    [attention(), normed(), normed(IN_GATES), convolution(), dropped()],
    ids=lambda lesson: lesson.circuit.definitions[0].name,
)
def test_who_rounds_every_line_is_never_accused(lesson):
    assert_never_punished(lesson, 5)


BLOCK = """N = norm(X) * g1 + b1
    Q = N @ Wq
    K = N @ Wk
    V = N @ Wv
    P = softmax(causal(Q @ K.T / sqrt(16)))
    A = X + P @ V @ Wo
    M = norm(A) * g2 + b2
    H = gelu(M @ W1 + c1)
    O = A + H @ W2 + c2
    L = sum((O - Y)**2) / 2"""


@cache
def block() -> Lesson:
    """8 tokens, 16 wide."""
    numbers, square, up = np.random.default_rng(0), (16, 16), (16, 64)
    shapes = {"X": (8, 16), "Y": (8, 16), "W1": up, "W2": up[::-1], "c1": up[1:], "c2": up[:1]}
    shapes |= dict.fromkeys(("Wq", "Wk", "Wv", "Wo"), square) | dict.fromkeys(("g1", "b1", "g2", "b2"), up[:1])
    return written(BLOCK, {k: np.round(numbers.normal(size=shape) / 2, 1) for k, shape in shapes.items()}, "Y")


def test_the_bounds_of_a_deep_lesson_are_no_wider_than_what_hands_do():
    """Interval arithmetic alone would take anything for the right number, rounded: 10⁶ times the value at dL/dX."""
    here = trace(block())
    for id in ("P", "dL/dA", "dL/dN", "dL/dX"):
        value = np.asarray(here.find(id).value)
        off = bounds(here, 3).errors(here.program.equation(id))[1]
        assert np.median(off[value != 0] / np.abs(value[value != 0])) < 0.15
    question = asked(block(), "dL/dX[2,3]")
    assert grade(question, f"{1.3 * question.right:.4g}").kind == "wrong"


def test_a_matrix_of_a_block_is_diagnosed_with_few_equations_worked_out(monkeypatch):
    """8 × 16 numbers at once: every slip is one evaluation of the equations that it goes through, none for a cell."""
    here, count = trace(block()), 0

    def counted(*args):
        nonlocal count
        count += 1
        return evaluate(*args)

    monkeypatch.setattr("tutor.questions.slips.evaluate", counted)
    equation = here.program.equation("dL/dX")
    table = table_for(here, equation)
    for index in np.ndindex(8, 16):
        table_for(here, equation).at(here.find("dL/dX").at(index))
    assert table.values.shape[1:] == (8, 16) and 10 < len(table.entries) < 100
    assert count < 10 * len(table.entries)


# ---------------------------------------------------------------- typed matrices, shapes


def item(lesson: Lesson, step: str, kind: str):
    return KINDS[kind](trace(lesson).find(step), Writer(lesson, "dz"), random.Random(1))


def test_a_matrix_that_is_typed_is_diagnosed_cell_by_cell_and_a_formula_as_a_whole():
    cells = item(attention(), "dL/dX", "matrix")
    wrong = DX - DK @ WK.T
    for text in (str(np.round(wrong, 4).tolist()), "\n".join(" ".join(f"{x:.4g}" for x in row) for row in wrong)):
        assert cells.grade(text).misconception == "attention-path-forgotten"
    assert cells.grade("dO + dV @ Wv.T + dQ @ Wq.T").misconception == "attention-path-forgotten"
    assert cells.grade(str(np.round(DX, 4).tolist())).kind == "correct"
    assert cells.grade("dO + dV @ Wv.T + dK @ Wk.T + dQ @ Wq.T").kind == "correct"


def test_a_formula_that_is_no_cells_is_told_as_a_formula_and_rows_without_units():
    said = item(attention(), "dL/dS", "matrix").grade("P*dP*(1-P)")
    assert said.kind == "not-understood" and "cell by cell here, or the product of matrices" in said.message
    said = item(normed(), "h", "matrix").grade(str(CN.T.tolist()))
    assert "a row a line: these 2 rows have 3" in said.message and "unit" not in said.message
    assert "that is 2" in item(normed(), "h", "matrix").grade("1 2").message


def test_class_numbers_stay_what_they_are_where_a_formula_is_tried_with_other_numbers():
    cells = item(entropy(), "dL/dz", "matrix")
    assert [v.slips[0].misconception for v in cells.grade("softmax(z) - one_hot(t, 3)").cells] == [
        "mean-not-divided"
    ] * 6
    assert cells.grade("(softmax(z) - one_hot(t, 3)) / 2").kind == "correct"


def test_shapes_of_arrays_are_asked_without_layers():
    shape = item(normed(), "dL/dx", "shape")
    assert shape.grade("3 x 2").kind == "correct"
    assert shape.grade("2 x 3").message == "Transposed." and "rows × columns" in shape.grade("6").message
    vector = item(normed(), "dL/db", "shape")
    assert vector.grade("2").kind == "correct" and "one axis" in vector.grade("1 x 2").message
    deep = written("y = x * x\nL = sum(y)", {"x": np.arange(24.0).reshape(2, 3, 4)})
    cube = item(deep, "dL/dy", "shape")
    assert (
        "axis by axis" in cube.prompt and cube.grade("2x3x4").kind == "correct" and cube.grade("4x3x2").kind == "wrong"
    )
    for asked in (shape, vector, cube):
        assert not any(word in " ".join(asked.hints) for word in ("unit", "layer", "fed"))


# ---------------------------------------------------------------- what only wrong formulas use, by loops


def value(tree, **arrays):
    """A tree's value, and every element by itself."""
    found = np.asarray(evaluate(tree, lambda ref: arrays[ref.symbol.id][ref.index or ...]))
    for index in np.ndindex(tree.shape):
        alone = evaluate(element(tree, index), lambda ref: arrays[ref.symbol.id][ref.index or ...])
        assert np.isclose(alone, found[index], rtol=1e-12), index
    return found


def refs_to(**arrays):
    return [Ref(Symbol(name, array.shape)) for name, array in arrays.items()]


@pytest.mark.parametrize(
    ("x_shape", "k_shape", "stride", "padding"),
    [((6,), (3,), 1, 1), ((4, 5), (2, 3), 2, 1), ((2, 7), (3, 2, 3), 2, 0), ((2, 2, 4, 4), (3, 2, 3, 2), 1, 1)],
)
def test_a_later_copy_of_the_kernel_overwrites_an_earlier_one(x_shape, k_shape, stride, padding):
    numbers = np.random.default_rng(1)
    x, k = numbers.normal(size=x_shape), numbers.normal(size=k_shape)
    out = Call("conv", tuple(refs_to(x=x, k=k)), (stride, padding)).shape
    G = numbers.normal(size=out)
    found = value(call("last_copy", *refs_to(G=G, k=k, x=x), param=(stride, padding)), G=G, k=k, x=x)
    axes = 1 if len(k_shape) in (1, 3) else 2
    K = k if len(k_shape) > 2 else k[None, None]
    lead = x_shape[: len(x_shape) - axes - (len(k_shape) > 2)]
    many = x.reshape(-1, K.shape[1], *x_shape[-axes:])
    back = G.reshape(len(many), K.shape[0], *out[-axes:])
    wanted = np.zeros((*many.shape[:2], *(n + 2 * padding for n in x_shape[-axes:])))
    for b in range(len(many)):
        for place in np.ndindex(*out[-axes:]):
            for offset in np.ndindex(*k_shape[-axes:]):
                at = tuple(p * stride + r for p, r in zip(place, offset, strict=True))
                for c in range(K.shape[1]):
                    wanted[(b, c, *at)] = sum(back[(b, o, *place)] * K[(o, c, *offset)] for o in range(K.shape[0]))
    inner = tuple(slice(padding, padding + n) for n in x_shape[-axes:])
    np.testing.assert_allclose(found, wanted[(slice(None), slice(None), *inner)].reshape(x_shape), rtol=1e-12)
    assert lead == out[: len(lead)]
    turned = value(call("flip", *refs_to(k=k), param=axes), k=k)
    np.testing.assert_array_equal(turned, np.flip(k, tuple(range(k.ndim - axes, k.ndim))))


def test_a_later_window_of_a_pool_overwrites_an_earlier_one():
    """By loops as a program with = in place of += has them; with ties the first of a window."""
    numbers = np.random.default_rng(2)
    for shape, size, stride in (((6,), 3, 1), ((4, 4), 2, 1), ((2, 5, 4), 3, 1), ((5, 5), 3, 2)):
        x = numbers.integers(-2, 3, shape).astype(float)
        axes = min(len(shape), 2)
        places = tuple((n - size) // stride + 1 for n in shape[-axes:])
        G = numbers.normal(size=(*shape[:-axes], *places))
        winner, window, mean = np.zeros((3, *shape))
        for front in np.ndindex(*shape[:-axes]):
            for place in np.ndindex(*places):
                cut = (*front, *(slice(p * stride, p * stride + size) for p in place))
                seen, top = x[cut], np.unravel_index(np.argmax(x[cut]), x[cut].shape)
                winner[cut][top] = G[(*front, *place)]
                window[cut] = 0
                window[cut][top] = G[(*front, *place)]
                mean[cut] = G[(*front, *place)] / seen.size
        for op, wanted in (("last_winner", winner), ("last_max", window), ("last_avg", mean)):
            found = value(call(op, *refs_to(G=G, x=x), param=(size, stride)), G=G, x=x)
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_every_largest_of_overlapping_windows_and_one_term_of_what_is_added_up():
    x, G = A([[1.0, 2.0, 2.0], [2.0, 0.0, 1.0], [3.0, 3.0, 3.0]]), A([[1.0, -2.0], [0.5, 4.0]])
    found = value(call("unpool_every", *refs_to(G=G, x=x), param=(2, 1)), G=G, x=x)
    np.testing.assert_array_equal(found, [[0, 1 - 2, -2], [1, 0, 0], [0.5, 4.5, 4]])
    tops = value(call("every_max", *refs_to(x=x), param=-2), x=x)
    np.testing.assert_array_equal(tops, [[0, 0, 0], [0, 0, 0], [1, 1, 1]])
    lows = value(call("every_min", *refs_to(x=x), param=None), x=x)
    np.testing.assert_array_equal(lows, [[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    for like, wanted in ((A([0.0, 0, 0]), x[1]), (np.zeros((3, 1)), x[:, 1:2]), (np.zeros(()), x[0, 1])):
        np.testing.assert_array_equal(value(call("term", *refs_to(x=x, like=like), param=1), x=x, like=like), wanted)
    cube = np.arange(24.0).reshape(2, 3, 4)
    like = np.zeros((3, 1))
    picked = value(call("term", *refs_to(x=cube, like=like), param=5), x=cube, like=like)
    np.testing.assert_array_equal(picked, cube[1, :, 1:2])
