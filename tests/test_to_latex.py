r"""Formulas as LaTeX: well-known ones as textbooks set them; all others well-formed, by a small reader."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from strategies import bundled, by_turns, circuit_lesson, dense, network_lesson
from tutor.engine.trace import trace
from tutor.lessonfiles.catalogue import entries
from tutor.text.card import Scribe
from tutor.text.layout import Brackets, Frac, Matrix, Row
from tutor.text.notations import NOTATIONS
from tutor.text.to_latex import equation, latex, words

# What LaTeX with amsmath, MathJax and KaTeX know of what is written.
COMMANDS = set(
    """alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon varphi chi
    psi omega phi epsilon Gamma Delta Theta Lambda Xi Pi Phi Psi Omega partial nabla sum surd sqrt odot oslash circ
    cdot times ast pm le ge ne approx in Rightarrow rightarrow leftarrow infty dots cdots vdots ddots frac tfrac left
    right top prime mathrm text hat tilde bar dot ddot acute grave check breve backslash sim wedge char begin end
    exp ln log max min sin cos tan tanh sinh cosh arctan square""".split()  # the last from amssymb, which we load
)
TOKEN = re.compile(r'\\char"[0-9A-F]+ |\\[A-Za-z]+|\\.|[{}^_&]|[^\\]', re.DOTALL)


class Malformed(AssertionError):
    pass


def check(text: str) -> None:
    """Raises Malformed for what LaTeX would stop at: braces, \\left, environments, two scripts on a base."""
    if not text.isascii():
        raise Malformed("not ASCII")
    tokens = [token for token in TOKEN.findall(text) if token != " "]
    assert "".join(tokens) == text.replace(" ", "") or '\\char"' in text or "\\ " in text
    open_: list[str] = []
    scripts: list[set[str]] = [set()]  # of the base that was last, in each group
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if re.fullmatch(r"\\[A-Za-z]+", token) and token[1:] not in COMMANDS:
            raise Malformed(f"unknown {token}")
        if token in ("\\begin", "\\end"):
            close = tokens.index("}", at)
            name = "".join(tokens[at + 2 : close])
            if token == "\\begin":
                open_.append(name)
                scripts.append(set())
            elif not open_ or open_.pop() != name:
                raise Malformed(f"{token} {name}")
            else:
                scripts.pop()
                scripts[-1] = set()
            at = close + 1
            continue
        if token in ("{", "\\left"):
            open_.append(token)
            scripts.append(set())
            at += 1 if token == "{" else 2
            continue
        if token in ("}", "\\right"):
            if not open_ or open_.pop() != {"}": "{", "\\right": "\\left"}[token]:
                raise Malformed(f"{token} closes nothing")
            scripts.pop()
            at += 1 if token == "}" else 2
            if token == "\\right":
                scripts[-1] = set()
            elif at < len(tokens) and tokens[at] in "^_" and not scripts[-1]:
                pass
            continue
        if token in ("^", "_"):
            if token in scripts[-1]:
                raise Malformed(f"two {token} on one base: {text}")
            if tokens[at + 1 : at + 2] != ["{"]:
                raise Malformed(f"{token} without a group")
            scripts[-1].add(token)
        else:
            scripts[-1] = set()
        if token == "'" or (token == "&" and "aligned" not in open_ and "bmatrix" not in open_):
            raise Malformed(f"a bare {token}")
        if token in "$%#~":
            raise Malformed(f"a bare {token}")
        at += 1
    if open_:
        raise Malformed(f"open: {open_}")


@pytest.mark.parametrize("bad", [r"\left(x", "{x", "x}", "x^{1}^{2}", "x_1", r"\frob x", "ŷ", "50%", "a & b", "$"])
def test_the_reader_sees_what_latex_would_stop_at(bad):
    with pytest.raises(Malformed):
        check(bad)


@pytest.mark.parametrize("number, id", [*enumerate(entry.id for entry in entries())])
def test_every_formula_of_every_lesson(number, id):
    """In a notation of the lesson's turn: over the lessons in all."""
    here = trace(bundled(id))
    seen: set[str] = set()
    for notation in by_turns(NOTATIONS, number, 1):
        scribe = Scribe(here, notation)
        for level in ("matrix", "scalar"):
            shown: set[tuple] = set()
            for step in here.steps(level):
                if len(shown) > 400 or (key := (step.equation.symbol.id, bool(step.index))) in shown:
                    continue  # one element of each is like the others
                shown.add(key)
                formulas = scribe.formulas(step)
                for chain in (formulas.main, *formulas.where, *formulas.derivation):
                    text = equation(chain.docs)
                    if text not in seen:
                        check(text)
                    seen.add(text)


def of(lesson, id: str, notation: str) -> str:
    here = trace(lesson)
    step = here.find(id)
    return latex(Scribe(here, notation).writer.formula(step.formula))


TWO = network_lesson(
    [
        dense([[0.15, 0.2], [0.25, 0.3]], [0.35, 0.35], "sigmoid"),
        dense([[0.4, 0.45], [0.5, 0.55]], [0.6, 0.6], "sigmoid"),
    ],
    "half_squared_error",
    [[0.05, 0.1]],
    [[0.01, 0.99]],
)


@pytest.mark.parametrize(
    "id, notation, expected",
    [
        ("z1[1]", "dz", r"w^{1}_{11}\cdot x_{1}+w^{1}_{12}\cdot x_{2}+b^{1}_{1}"),
        ("z1", "dz", r"W^{1}X+b^{1}"),
        ("dL/dW2", "dz", r"dZ^{2}\left(A^{1}\right)^{\top}"),
        ("dL/da1", "dz", r"\left(W^{2}\right)^{\top}dZ^{2}"),
        ("dL/dW2[1,2]", "delta", r"\delta ^{(3)}_{1}\cdot a^{(2)}_{2}"),
        ("dL/dW2[1,2]", "partials", r"\frac{\partial L}{\partial z_{\mathrm{fin},1}}\cdot O_{12}"),
        ("dL/dz1", "error", r"\nabla_{a^{2}} L\odot \sigma ^{\prime}\left(z^{2}\right)"),
        ("W1'[1,2]", "delta", r"w^{(1)}_{12}-\eta \cdot \frac{\partial L}{\partial w^{(1)}_{12}}"),
        ("L", "dz", r"\frac{\sum\left(y-A^{2}\right)^{2}}{2}"),
    ],
)
def test_well_known_formulas(id, notation, expected):
    assert of(TWO, id, notation).replace(" ", "") == expected.replace(" ", "")


def test_the_scripts_of_a_name():
    assert latex("w²₁₁²") == "{w^{2}_{11}}^{2}"  # a square of a weight of layer 2, and not layer 22
    assert latex(Row(("W¹", "ᵀ"))) == r"W^{1\top}"
    assert latex("w₁,₁₂") == "w_{1,12}"
    assert latex("w¹₂₁_new") == r"w^{1}_{21,\mathrm{new}}"
    assert latex("x_1") == latex("x1") == latex("x₁") == "x_{1}"
    assert latex("z_prev₁") == r"z_{\mathrm{prev},1}"
    assert latex("x̂") == r"\hat{x}" and latex("ŷ₂") == r"\hat{y}_{2}"
    assert latex(Row(("x", "^", Brackets("a + b")))) == "x^{a+b}"
    assert latex(Row(("√", Brackets(Row(("s", " + ε")))))) == r"\sqrt{s+\varepsilon}"
    assert latex(Row(("√", "v̂(w₁₁)", " + ε"))) == r"\sqrt{\hat{v}(w_{11})}+\varepsilon"


def test_numbers_fractions_and_matrices():
    assert latex("−1.5×10⁻⁵") == r"-1.5\times 10^{-5}"
    assert latex(" + … 1,200 more …") == r"+\dots 1{,}200\text{ more }\dots"
    assert latex(Frac("∂L", "∂z₁", tight=True)) == r"\frac{\partial L}{\partial z_{1}}"
    assert latex(Matrix(np.array([[1, -2], [0.5, 3.0]]))) == r"\begin{bmatrix}1 & -2 \\ 0.5 & 3\end{bmatrix}"
    assert latex(Matrix(np.array([1.0, 2]))) == r"\begin{bmatrix}1 \\ 2\end{bmatrix}"
    assert latex(Matrix(np.array([1.0, 2]), row=True)) == r"\begin{bmatrix}1 & 2\end{bmatrix}"
    large = latex(Matrix(np.ones((30, 30))))
    check(large)
    assert r"\ddots" in large and large.count("&") == 7 * 8


def test_an_equation_stands_at_its_equals_signs():
    assert equation(["f", "x + y", "3"]) == "\\begin{aligned}\nf &= x+y \\\\\n &= 3\n\\end{aligned}"
    assert equation(["f"]) == "f"


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12))
@example("A_À")
@example("x²")
@example("A_٣")
@example("_new")
@example("▢")
def test_no_name_is_a_command(name):
    check(words(name))
    check(latex(name))


def test_new_is_what_an_update_made_and_else_part_of_a_name():
    assert latex("x_new") == r"x_{\mathrm{new}}" and latex("(a)_new") == r"(a)_{\mathrm{new}}"
    assert latex("rate_new + 1") == r"\mathrm{rate}_{\mathrm{new}}+1"
    assert latex("x_newer") == r"x_{\mathrm{newer}}" and latex("my_new_x") == r"\mathrm{my\_new\_x}"
    assert latex("_new") == r"\mathrm{\_new}" and latex("2 · _new") == r"2\cdot \_\mathrm{new}"


def test_names_of_an_author_stay_what_they_are():
    assert words("50% & more_$") == r"\mathrm{50\%\ \&\ more\_\$}"
    assert words(r"\input{x}") == r"\mathrm{\backslash input\{x\}}"
    assert latex("hours slept") == r"\mathrm{hours}\ \mathrm{slept}"
    lesson = circuit_lesson(["total_cost = größe * x", "f = total_cost ** 2"], größe=2, x=3)
    assert of(lesson, "f", "dz") == r"\mathrm{total\_cost}^{2}"
    assert of(lesson, "total_cost", "dz") == r"\mathrm{gr\ddot{o}\char" '"DF e}' + r"\cdot x"
