"""Prose: LaTeX as Unicode, ids as names, and what is said of what cannot be shown."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from each import each
from effort import effort
from test_lesson import SMALL
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine, load
from tutor.text.card import Scribe
from tutor.text.latex import mathematics
from tutor.text.layout import to_ascii
from tutor.text.notations import NOTATIONS
from tutor.text.prose import blemishes, count_words, render

NAMES = {"dL/dW2": "∂L/∂W₂", "W1": "W₁", "a2": "ŷ", "y": "y", "A": "A²"}


def show(latex: str) -> str:
    found: list = []
    shown = mathematics(latex, NAMES.get, found)
    assert not found, found
    return shown


# Left as a person types it in a paper, right as the same person would put it in a plain text message.
@each(
    "latex, shown",
    [
        (r"\frac{1}{2} x^2", "½x²"),
        (r"\frac{a}{b}", "a/b"),
        (r"\frac{a+b}{2}", "(a + b)/2"),
        (r"\frac{a}{b+c}", "a/(b + c)"),
        (r"\frac{a}{2n}", "a/(2n)"),
        (r"\frac{1}{1+e^{-z}}", "1/(1 + e⁻ᶻ)"),
        (r"\frac{\partial L}{\partial W_1}", "∂L/∂W₁"),
        (r"\frac{\partial L}{\partial a} \frac{\partial a}{\partial z}", "∂L/∂a · ∂a/∂z"),
        (r"\frac{dy}{dx} = 2x", "dy/dx = 2x"),
        (r"\frac{d}{dx} f", "d/dx f"),
        (r"\frac{f(x+h)-f(x-h)}{2h}", "(f(x + h) − f(x − h))/(2h)"),
        (r"\frac{\sigma(z)}{\sigma(w)}", "σ(z)/σ(w)"),
        (r"\frac{1}{n}\sum_{i=1}^n x_i", "1/n · Σᵢ₌₁ⁿ xᵢ"),
        (r"\frac{\frac{a}{b}}{c}", "(a/b)/c"),
        (r"\dfrac12", "½"),
        (r"(\frac{a}{b})^2", "(a/b)²"),
        (r"\frac{a}{b}^2", "(a/b)²"),
        (r"-\ln \hat y", "−ln ŷ"),
        (r"\sigma'(z) = \sigma(z)(1-\sigma(z))", "σ′(z) = σ(z)(1 − σ(z))"),
        (r"e^{-\beta q}", "e^(−βq)"),
        (r"W^\top \delta", "Wᵀδ"),
        (r"W^{T}", "Wᵀ"),
        (r"\nabla_{W_1} L", "∇_W₁ L"),
        (r"a \odot b", "a ⊙ b"),
        (r"3\times4", "3 × 4"),
        (r"x \leq 0, y \neq 1", "x ≤ 0, y ≠ 1"),
        (r"\max(0, z)", "max(0, z)"),
        (r"\left(x - 1\right)^2", "(x − 1)²"),
        (r"\left. x \right|", "x|"),
        (r"\lVert w \rVert^2", "‖w‖²"),
        (r"\sqrt{x+1} + \sqrt x + \sqrt[3]{8}", "√(x + 1) + √x + ³√8"),
        (r"x \in \mathbb{R}", "x ∈ ℝ"),
        (r"\text{softmax}(z)", "softmax(z)"),
        (r"L \to 0", "L → 0"),
        (r"10^{-3}", "10⁻³"),
        (r"2 \cdot -3", "2 · −3"),
        (r"1{,}000", "1,000"),
        (r"100\%", "100%"),
        (r"w^*", "w∗"),
        (r"\frac{|a|}{b}^2", "(|a|/b)²"),
        # what stands in rows, as the tutor writes a matrix on one line
        (r"W = \begin{pmatrix} 1 & -2 \\ 3 & 4 \end{pmatrix}", "W = [[1, −2], [3, 4]]"),
        (r"\begin{bmatrix}x_1\\x_2\\\end{bmatrix}^T", "[x₁, x₂]ᵀ"),
        (r"\begin{pmatrix}1&2\end{pmatrix}\begin{pmatrix}a\\b\end{pmatrix} = a+2b", "[[1, 2]] · [a, b] = a + 2b"),
        (r"\left[\begin{matrix}1&2\\3&{a2}\end{matrix}\right]", "[1, 2; 3, ŷ]"),
        (r"\begin{vmatrix}a&b\\c&d\end{vmatrix}", "|a, b; c, d|"),
        (r"\begin{cases} z & \text{if } z > 0 \\ 0 & \text{else}\end{cases}", "{z, if z > 0; 0, else}"),
        # a step's name in the notation, beside what LaTeX means by braces
        ("{dL/dW2}", "∂L/∂W₂"),
        (r"{W1} \leftarrow {W1} - \eta {dL/dW2}", "W₁ ← W₁ − η · ∂L/∂W₂"),
        (r"\frac{{a2} - {y}}{{a2}(1 - {a2})}", "(ŷ − y)/(ŷ(1 − ŷ))"),
        (r"\frac{{dL/dW2}}{2}", "(∂L/∂W₂)/2"),
        ("{A}^2", "(A²)²"),
        ("x_{y}", "x_y"),
    ],
)
def test_latex_as_it_is_shown(latex, shown):
    assert show(latex) == shown


@pytest.mark.parametrize(
    "text, shown",
    [
        ("no mathematics: {q} {not an id} {}", "no mathematics: {q} {not an id} {}"),
        ("the error {a2} − {y}", "the error ŷ − y"),
        ("it costs $5 or $6, \\$7", "it costs $5 or $6, $7"),
        ("$x^2$, $y$.", "x², y."),
        ("$$x^2 + 1$$", "x² + 1"),
        ("$ x$ and $x $ stay", "$ x$ and $x $ stay"),
        ("`$x^2$` and ``$`$`` stay, `{W1}` is named", "`$x^2$` and ``$`$`` stay, `W₁` is named"),
        ("a $x\n+ 1$ goes over a line", "a x + 1 goes over a line"),
        ("a $x\n\n1$ over an empty one does not", "a $x\n\n1$ over an empty one does not"),
    ],
)
def test_prose_as_it_is_shown(text, shown):
    assert render(text, NAMES.get) == shown


@pytest.mark.parametrize(
    "text, offset, says",
    [
        (r"so $a + \foo b$", 8, r"the macro \foo is not known"),
        ("see {a9}", 4, "{a9} names no step"),
        ("see {dL/dW9[1,2]}", 4, "names no step"),
        ("see ${dL/dW9}$", 5, "names no step"),
        ("now {=a9}", 4, "{=a9} names no step"),
        ("now {=anything}", 4, "{=anything} names no step"),
        ("$x^{2$", 3, "{ that is not closed"),
        ("$x}$", 2, "} without its {"),
        (r"$\frac{a}$", 8, "something is missing after"),
        ("costs $5", 6, "begins no mathematics"),
        ("$x\times y$", 2, "a tab within mathematics"),
        ("$x^$", 2, "something is missing after ^"),
        (r"$\begin{pmatrix}1 & 2$", 1, r"\begin{pmatrix} has no \end{pmatrix}"),
        (r"$\begin{pmatrix}1\end{bmatrix}$", 1, r"\begin{pmatrix} has no \end{pmatrix}"),
        (r"a $\begin{tikz}$", 3, r"\begin{tikz} is not known"),
    ],
)
def test_what_cannot_be_shown_is_told_at_its_place(text, offset, says):
    found = list(blemishes(text, NAMES.get))
    assert [(b.offset, says in b.message) for b in found] == [(offset, True)], found


@pytest.mark.parametrize("text", ["{q} {x,y} {W1}", "`{a9}` `$5`", "\\$5", "$x$", "{ a9 }"])
def test_what_is_meant_is_not_blamed(text):
    assert not list(blemishes(text, NAMES.get))


def test_a_formula_counts_as_a_word():
    assert count_words(r"One two $\frac{a + b}{c + d}$ four.") == 4


@given(st.text(alphabet=r"\{}^_$ab1 +-=()[]fracsqt`." + "\n\t", max_size=60))
def test_no_text_breaks_it(text):
    shown = render(text, NAMES.get)
    assert isinstance(shown, str) and all(b.offset <= len(text) for b in blemishes(text, NAMES.get))


@given(st.text(max_size=40))
def test_no_sign_that_was_not_there_controls_a_terminal(text):
    shown = mathematics(text, NAMES.get)
    new = set(shown) - set(unicodedata.normalize("NFC", text)) - set(text)
    assert not [char for char in new if unicodedata.category(char).startswith("C")]


def test_groups_may_nest_as_deep_as_anybody_writes():
    found: list = []
    mathematics("{" * 5000 + "x" + "}" * 5000, NAMES.get, found)
    assert found and "too deep" in found[0].message


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_formula_has_the_names_of_the_notation(notation):
    here = trace(load(catalogue.find("o-classification")))
    scribe = Scribe(here, notation)
    name = scribe.prose("{dL/dW2}")
    assert name != "{dL/dW2}" and name in scribe.prose(r"$\eta {dL/dW2}$")
    assert re.fullmatch(r"η( · )?.+", scribe.prose(r"$\eta {dL/dW2}$"))


QUESTION = r"""
format = 1
title = "T"
[circuit]
define = ["f = x * y"]
output = "f"
inputs = { x = 2, y = 3 }
[[questions]]
ask = 'Which is $\frac{\partial f}{\partial x}$ at {x}?'
choices = ['$y$', '$x^2$']
answer = '$x^2$'
hints = ['${f} = xy$']
wrong = [{ answer = '$y$', says = 'No: $x \nothing y$' }]
"""


def test_questions_are_prose_too(tmp_path):
    from random import Random

    from tutor.questions.authored import author_item
    from tutor.questions.items import judgement
    from tutor.text.writer import Writer

    path = tmp_path / "t.toml"
    path.write_text(QUESTION, encoding="utf-8")
    lesson = load(path)
    item = author_item(lesson.questions[0], trace(lesson), Writer(lesson, "dz"), Random(0))
    assert item.prompt == "Which is ∂f/∂x at x?" and item.choices == ("y", "x²") and item.hints[0] == "f = xy"
    assert judgement(item.judge("2", {})).correct and judgement(item.judge("x²", {})).correct
    assert judgement(item.judge("1", {})).message == r"No: x\nothingy"
    (problem,) = examine(path)[1]
    assert (problem.severity, problem.line) == ("warning", 13) and r"\nothing" in problem.message
    assert problem.source_line[problem.column - 1 :].startswith(r"\nothing")


def test_elements_of_what_is_given_have_names_too():
    scribe = Scribe(trace(load(catalogue.find("o-classification"))), "dz")
    names = {id: scribe.called(id) for id in ("W1[1,2]", "b1[2]", "x[1]", "W1", "y", "dL/dW1[1,2]", "z1[1]")}
    assert all(names.values()) and len(set(names.values())) == len(names)
    for id in ("W1[3,1]", "W1[1]", "W1[0,1]", "W1[1,1]]", "W1[]", "W1[", "b1[x]", "q[1]", "W1[1,2,]"):
        assert scribe.called(id) is None, id


@pytest.mark.parametrize(
    "latex, ascii",
    [
        (r"\sum_{i=1}^{n} x_i^2", "sum_i=1^n x_i^2"),
        (r"\gamma \neq \Gamma", "gamma != Gamma"),
        (r"e^{-z} \in \mathbb{R}", "e^-z in R"),
        (r"\frac{1}{3} \pm \hat{p}", "1/3 +- phat"),
        (r"\theta_{t+1}", "theta_t+1"),
    ],
)
def test_a_terminal_without_unicode_gets_words(latex, ascii):
    assert " ".join(to_ascii(show(latex)).split()) == ascii


@pytest.mark.parametrize(
    "shown, ascii",
    [
        ("[[1, 2], [3, 4]] · [5, 6]", "[[1, 2], [3, 4]] @ [5, 6]"),
        ("[[1, 2]] · [[3, 4]]ᵀ · [5]", "[[1, 2]] @ [[3, 4]]^T @ [5]"),
        ("([[1, 2]] − [[3, 4]]) · [5, 6]", "([[1, 2]] - [[3, 4]]) @ [5, 6]"),
        ("⎢ 1  2 ⎥ · ⎢ 3 ⎥".replace("⎢", "[").replace("⎥", "]"), "[ 1  2 ] @ [ 3 ]"),
        ("−1 · [[2, 1], [3, 0]]", "-1 * [[2, 1], [3, 0]]"),  # a number times an array
        ("Σ([1, 2] ⊙ [3, 4]) · [5, 6]", "sum([1, 2] (*) [3, 4]) * [5, 6]"),
        ("mean([1, 2]) · [5, 6]", "mean([1, 2]) * [5, 6]"),
        ("2 · 3", "2 * 3"),
    ],
)
def test_the_product_of_matrices_has_a_sign_of_its_own_in_ascii(shown, ascii):
    assert to_ascii(shown) == ascii and to_ascii("at " + shown, 3) == ascii


# ---------------------------------------------------------------- ids that are none, and texts that are too long


IDS = {
    id: id for id in ("z1", "a1", "z2", "a2", "W1", "b1", "x", "y", "L", "x[1]", "dL/dW1", "dL/dz1", "W1[1,1]", "W1'")
}


def test_an_id_after_an_equals_sign_is_the_number_of_the_iteration_and_example_on_the_screen():
    lesson = load(catalogue.find("batch-mean"))  # z1[1] is 6, 7 and 5 in the first iteration, b1[2] is −0.5
    first, second = (Scribe(trace(lesson, number), lesson.notation) for number in (1, 2))
    prose = "{=z1[1]}, `{=b1[2]}`, ${z1[1]} = {=z1[1]@2}$, {=x[1]@3} − {=b1[2]}, {=z1} {=}"
    for example, here, both in ((1, "6", "[6, 2.5]"), (3, "5", "[5, 3.5]")):
        first.card(next(step for step in first.trace.steps() if step.id == f"z1@{example}"))
        name = first.called("z1[1]")
        assert first.prose(prose) == f"{here}, `−0.5`, {name} = 7, −1 − (−0.5), {both} {{=}}", example
    assert second.prose("{=z1[1]}") not in ("6", "5", "7") and second.prose("\n- {=b1[2]}").startswith("\n- −0.4")


@each(
    "written, meant",
    [("=Z1", "=z1"), ("Z1", "z1"), ("A2", "a2"), ("w1", "W1"), ("B1", "b1"), ("w1[1,1]", "W1[1,1]"),
     ("dL/dw1", "dL/dW1"),
     ("loss", "L"), ("dl/dz1", "dL/dz1"), ("∂L/∂W1", "dL/dW1"), ("dW1", "dL/dW1"), ("ŷ", "a2"), ("yhat", "a2"),
     ("x1", "x[1]"), ("X", "x"), ("W_1", "W1"), ("w1'", "W1'"), ("delta1", "dL/dz1")],
)  # fmt: skip
def test_an_id_that_is_nearly_one_is_warned_of_with_what_was_meant(written, meant):
    (found,) = blemishes(f"See {{{written}}}.", IDS.get)
    assert f"did you mean {{{meant}}}?" in found.advice and found.offset == 4


@pytest.mark.parametrize("written", ["anything", "a,b", "0", "i", "set", "n"])
def test_braces_around_something_else_are_left_alone(written):
    assert not list(blemishes(f"See {{{written}}}.", IDS.get))


def test_an_id_beyond_the_last_layer_is_warned_of():
    (found,) = blemishes("See {a9}.", IDS.get)
    assert "{a9} names no step" in found.message


@pytest.mark.parametrize(
    "text",
    [
        "$",
        "`",
        "``` ",
        "` `` ",
        "$$",
        "$a",
        r"\$",
        r"$\sqrt{",
        r"$\begin$ ",
        "{a9} ",
        r"$x_",
        "$1 ",
        r"\text{a} ",
        "{q%d}",
    ],
)
def test_the_effort_for_a_text_grows_with_its_length(text):
    def work(size: int) -> int:
        whole = (text * size)[:size] if "%" not in text else "".join(text % i for i in range(size // 6))
        return effort(lambda: (list(blemishes(whole, IDS.get)), render(whole, IDS.get), count_words(whole)))

    assert work(16_000) < 6 * work(4_000) + 10_000


def test_many_faults_of_one_kind_in_a_text_are_told_in_a_few(tmp_path):
    (tmp_path / "p.toml").write_text(SMALL.replace("[network]", f"intro = '{'$ ' * 8_000}'\n[network]"))
    problems = examine(tmp_path / "p.toml")[1]
    assert len(problems) == 5 and "(and 7,995 more of the same kind in this text)" in problems[-1].message
