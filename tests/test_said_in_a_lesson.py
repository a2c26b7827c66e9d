"""What books and programs do and a lesson file can say: layouts, shared biases, sums, memories, cut digits ...

Published numbers stand with where they are from; all others are worked out here.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from strategies import circuit_lesson, dense, network_lesson
from tutor.engine.divergence import divergence
from tutor.engine.expressions import OPERATORS
from tutor.engine.run import Run
from tutor.engine.trace import trace
from tutor.lessonfiles.check import examine, load
from tutor.lessonfiles.expectations import holds
from tutor.pictures.diagram import diagram
from tutor.play.playback import jump, start
from tutor.play.whatif import WhatIf
from tutor.questions.authored import author_item
from tutor.questions.items import judgement
from tutor.text.divergence_words import divergence_words
from tutor.text.writer import Writer

# Mazur, "A Step by Step Backpropagation Example", 2015:
# https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/
MAZUR = """
format = 1
title = "Two shared biases"
[network]
inputs = 2
loss = "half_squared_error"
layout = "from_to"
[[network.layers]]
units = 2
activation = "sigmoid"
weights = [[0.15, 0.25], [0.20, 0.30]]
biases = 0.35
[[network.layers]]
units = 2
activation = "sigmoid"
weights = [[0.40, 0.50], [0.45, 0.55]]
biases = 0.60
[[examples]]
inputs = [0.05, 0.10]
targets = [0.01, 0.99]
[training]
learning_rate = 0.5
"""
EXPECTED = """
[[expect]]
step = "L"
value = 0.298371109
source = "Mazur"
[[expect]]
step = "W2'"
value = [[0.35891648, 0.511301270], [0.408666186, 0.561370121]]
source = "Mazur"
[[expect]]
step = "W1'"
value = [[0.149780716, 0.24975114], [0.19956143, 0.29950229]]
source = "Mazur"
"""


@pytest.fixture
def file(tmp_path):
    def write(text, name="lesson.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def told(path):
    return [f"{p.line}: {p.message}" for p in examine(path)[1]]


# ---------------------------------------------------------------- layouts


def test_matrices_as_x_times_w_has_them_are_read_expected_and_written(file):
    path = file(MAZUR + EXPECTED)
    assert told(path) == []
    lesson = load(path)
    assert lesson.network.layers[0].weights.tolist() == [[0.15, 0.20], [0.25, 0.30]]
    text = WhatIf(lesson).apply("W1[1,2] = 0.9").text("new.toml")
    assert 'layout = "from_to"' in text and "weights = [[0.15, 0.25],\n           [0.9, 0.3]]" in text
    again = load(file(text, "new.toml"))
    assert again.network.layers[0].weights.tolist() == [[0.15, 0.9], [0.25, 0.3]]
    assert again.network.layers[1].weights.tolist() == lesson.network.layers[1].weights.tolist()


def test_messages_speak_in_the_files_own_layout(file):
    wrong = MAZUR.replace("units = 2", "units = 3", 1)
    wrong = wrong.replace("[[0.15, 0.25], [0.20, 0.30]]", "[[1, 2], [3, 4], [5, 6]]")
    (found,) = [line for line in told(file(wrong)) if "weights of layer 1" in line]
    assert "is 3×2 and should be 2×3" in found
    square = EXPECTED.replace("0.511301270], [0.408666186", "0.408666186], [0.511301270")
    (one,) = examine(file(MAZUR + square))[1]
    assert "'W2'' is the transpose of this" in one.message and "a unit where the weights come from" in one.advice
    found = told(file(MAZUR + EXPECTED.replace("0.511301270", "0.6")))
    assert any("'W2'[2,1]' is 0.5113" in line for line in found)  # ids count as everywhere: to, from


# ---------------------------------------------------------------- one bias for a layer


def test_a_shared_bias_takes_the_sum_of_the_errors(file):
    lesson = load(file(MAZUR))
    run = Run(lesson)
    first = trace(lesson)
    errors = first.find("dL/dz1").value
    assert lesson.network.layers[0].biases.shape == () and first.find("dL/db1").value == pytest.approx(errors.sum())
    assert run.parameters(2)["b1"] == pytest.approx(0.35 - 0.5 * errors.sum())
    assert "biases = 0.35" in WhatIf(lesson).text("x.toml")
    assert WhatIf(lesson).apply("b1 = 0.5").lesson.network.layers[0].biases == 0.5


@pytest.mark.parametrize("level", ["scalar", "matrix"])
def test_a_shared_bias_is_drawn_and_its_paths_add_up(file, level):
    from tutor.text.card import Scribe

    lesson = load(file(MAZUR))
    found = trace(lesson)
    scribe = Scribe(found, "dz")
    for step in found.steps(level):
        picture = diagram(found, scribe, step, jump(start(lesson), found, step.id), 100, 30)
        assert picture is not None and picture.picture
    chain = scribe.paths(0).chain(found.find("dL/db1").ref.__class__(found.program.symbols["b1"]))
    assert chain.count == 4 and sum(path.product for path in chain.paths) == pytest.approx(chain.total)


# ---------------------------------------------------------------- sums, memories, steps


def test_the_sum_over_a_batch(file):
    rows = dict(inputs=[[1.0], [2.0], [-1.0]], targets=[[1.0], [0.5], [2.0]])
    taught = [
        network_lesson([dense([[0.5]], [0.1])], "squared_error", **rows, batch="all", batch_loss=over, l2=0.2)
        for over in ("mean", "sum")
    ]
    mean, summed = map(trace, taught)
    off = [0.5 * x + 0.1 - y for x, y in ((1, 1), (2, 0.5), (-1, 2))]
    assert summed.find("L").value == pytest.approx(sum(d * d for d in off))
    assert summed.find("dL/db1").value[0] == pytest.approx(2 * sum(off)) == 3 * mean.find("dL/db1").value[0]
    penalty = 0.1 * 0.25  # λ/2 · w², once, whether the rest is a mean or a sum
    assert summed.find("J").value - summed.find("L").value == pytest.approx(penalty)
    text = Writer(taught[1], "dz").formula(summed.find("L").formula)
    from tutor.text.layout import linear

    assert linear(text) == "Σₑ L@e"


def test_a_memory_that_has_begun(file):
    circuit = """
format = 1
title = "Begun"
[circuit]
define = ["f = 3 * w"]
output = "f"
[circuit.inputs]
w = 1
[training]
learning_rate = 0.1
optimizer = "momentum"
momentum = 0.4
[training.memory]
w.velocity = 0.8
"""
    lesson = load(file(circuit))
    assert trace(lesson).find("w'").value == pytest.approx(1 - 0.1 * (0.4 * 0.8 + 3))
    assert Run(lesson).parameters(2)["w"] == pytest.approx(1 - 0.1 * (0.4 * 0.8 + 3))
    assert load(file(WhatIf(lesson).text("x.toml"), "x.toml")).training.memory["w.velocity"] == 0.8
    for wrong, says in (
        ("w.velocity = [1, 2]", "does not have the shape of w"),
        ("w.velo = 1", "has no 'velo': did you mean 'velocity'?"),
        ("v.velocity = 1", "there is no parameter 'v'"),
    ):
        (found,) = told(file(circuit.replace("w.velocity = 0.8", wrong)))
        assert says in found


def test_adam_goes_on_counting():
    """m̂ of the eleventh update divides by 1 − β₁¹¹."""
    from tutor.engine.lesson import Training

    training = Training(0.1, "adam", updates=10, memory={"w.m": np.array(0.2), "w.v": np.array(0.3)})
    lesson = circuit_lesson(["f = 4 * w"], training=training, w=1)
    m, v = 0.9 * 0.2 + 0.1 * 4, 0.999 * 0.3 + 0.001 * 16
    new = 1 - 0.1 * (m / (1 - 0.9**11)) / (math.sqrt(v / (1 - 0.999**11)) + 1e-8)
    assert trace(lesson).find("w'").value == pytest.approx(new, rel=1e-14)
    assert Run(lesson).parameters(2)["w"] == pytest.approx(new, rel=1e-14)


def test_rmsprop_and_an_epsilon_of_0(file):
    from tutor.engine.lesson import Training

    lesson = circuit_lesson(["f = w ** 2 + 0 * u"], training=Training(0.1, "rmsprop", epsilon=0.0), w=3, u=1)
    found = trace(lesson)
    assert found.find("w'").value == pytest.approx(3 - 0.1 * 6 / math.sqrt(0.1 * 36))
    assert np.isnan(found.find("u'").value)
    run = Run(lesson)
    assert run.train(3) == "diverged"
    assert "its gradient was 0, and with epsilon = 0 that is 0/0" in divergence_words(divergence(run))


# ---------------------------------------------------------------- activations and losses


@pytest.mark.parametrize(
    ("name", "z", "value", "source"),
    [
        ("softplus", -20, 2.0611537e-09, "https://www.tensorflow.org/api_docs/python/tf/keras/activations/softplus"),
        ("softplus", -1, 3.1326166e-01, "the same"),
        ("softplus", 1, 1.3132616, "the same"),
        ("elu", -1, -0.63212055, "https://www.tensorflow.org/api_docs/python/tf/keras/ops/elu"),
        ("gelu", 1, 0.84119199, "by hand: 0.5 (1 + tanh(0.79788456 · 1.044715))"),
        ("silu", 1, 0.73105858, "by hand: 1/(1 + 1/e)"),
        ("bipolar_sigmoid", 1, 0.46211716, "by hand: tanh 0.5"),
    ],
)
def test_published_values_of_activations(name, z, value, source):
    from tutor.engine.activations import ACTIVATIONS
    from tutor.engine.expressions import Const, call, evaluate

    alpha = ACTIVATIONS[name].alpha
    node = call(name, Const(float(z)), *([] if alpha is None else [alpha]))
    assert evaluate(node, lambda ref: 0.0) == pytest.approx(value, rel=2e-7), source


@pytest.mark.parametrize("loss", ["hinge", "huber"])
def test_the_slope_at_a_losss_kink_is_as_documented(loss):
    """Hinge at yŷ = 1: 0. Huber at |d| = δ: both pieces have the slope δ."""
    targets, w = ([[1]], 1.0) if loss == "hinge" else ([[0]], 1.0)
    lesson = network_lesson([dense([[w]])], loss, [[1]], targets)
    assert trace(lesson).find("dL/da1").value[0] == (0 if loss == "hinge" else 1)
    past = network_lesson([dense([[-3.0]])], loss, [[1]], targets)
    assert trace(past).find("dL/da1").value[0] == -1
    assert trace(past).find("L").value == (4 if loss == "hinge" else 2.5)


def test_no_activation_warns_far_out():
    from tutor.engine.activations import ACTIVATIONS

    with np.errstate(all="raise"):
        for name, entry in ACTIVATIONS.items():
            alpha = () if entry.alpha is None else (entry.alpha,)
            z = np.array([-1e3, -40.0, 0.0, 40.0, 1e3])
            a = OPERATORS[name].numpy(None, z, *alpha)
            slope = OPERATORS[name + "′"].numpy(None, z, a, *alpha)
            assert np.all(np.isfinite(a)) and np.all(np.isfinite(slope)), name


def test_hinge_wants_plus_or_minus_one(file):
    text = MAZUR.replace("half_squared_error", "hinge")
    assert "hinge wants -1 or 1" in " ".join(told(file(text)))


# ---------------------------------------------------------------- expectations


def test_digits_that_were_cut_off_and_tolerances():
    assert holds("0.6449", 0.64497, cut_off=True) and not holds("0.6449", 0.64497)
    assert not holds("0.6449", 0.6450, cut_off=True) and not holds("0.6449", 0.64489, cut_off=True)
    assert holds("-0.6449", -0.64497, cut_off=True) and not holds("-0.6449", 0.64497, cut_off=True)
    assert holds("0.00", -0.004, cut_off=True) and holds("3", 3.9, cut_off=True)
    assert holds("0.13", 0.139, tolerance=0.01) and not holds("0.13", 0.1411, tolerance=0.01)
    assert holds("1", 1.0009, tolerance=0.001) and not holds("1", 1.0009)


def test_they_hold_for_matrices_and_late_iterations(file):
    more = """
[[expect]]
step = "dL/dW2"
value = [[0.082, -0.0226], [0.0826, -0.0227]]
cut_off = true
source = "by hand"
[[expect]]
step = "L"
iteration = 10001
value = 0.0000045
tolerance = 0.000001
source = "by hand"
"""
    assert told(file(MAZUR + more)) == []
    assert len(told(file(MAZUR + more.replace("-0.0226", "-0.0225")))) == 1


# ---------------------------------------------------------------- classes, questions, constants


def test_one_output_tells_two_classes_apart(file):
    lesson = MAZUR.replace("half_squared_error", "binary_cross_entropy").replace('layout = "from_to"\n', "")
    head, _, _ = lesson.partition("[[network.layers]]\nunits = 2\nactivation = \"sigmoid\"\nweights = [[0.40")
    one = head + '[[network.layers]]\nunits = 1\nactivation = "sigmoid"\n'
    for first, second in ((0, 1), (1, 2)):
        rows = "".join(f"[[examples]]\ninputs = [1, 2]\ntarget = {c}\n" for c in (second, first))
        assert load(file(one + rows)).targets.tolist() == [[1], [0]]
    only = one + "[[examples]]\ninputs = [1, 2]\ntarget = 1\n"
    assert "target" in " ".join(told(file(only)))
    file("x,y,kind\n1,2,ham\n2,1,spam\n", "mail.csv")
    named = 'examples = "mail.csv"\nclass = "kind"\n'
    spam = load(file(one.replace("format = 1", "format = 1\n" + named).replace("inputs = 2", 'inputs = ["x", "y"]')))
    assert spam.targets.tolist() == [[0], [1]]
    ham = one.replace("format = 1", "format = 1\n" + named).replace("units = 1", 'units = ["ham"]')
    assert load(file(ham)).targets.tolist() == [[1], [0]]
    hinge = one.replace("format = 1", "format = 1\n" + named).replace("binary_cross_entropy", "hinge")
    assert load(file(hinge)).targets.tolist() == [[-1], [1]]


def test_several_choices_may_be_right(file):
    import random

    ask = '\n[[questions]]\nask = "Which?"\nchoices = ["a", "b", "c"]\nanswer = [1, "c"]\n'
    lesson = load(file(MAZUR + ask))
    item = author_item(lesson.questions[0], trace(lesson), Writer(lesson, "dz"), random.Random(0))
    assert [judgement(item.judge(text, {})).correct for text in "123"] == [True, False, True]
    assert item.answer == "a or c"
    mistakes = (("[1, 2, 3]", "every choice"), ("[1, 1]", "twice"), ("[4]", "is no choice"), ("[]", "at least"))
    for wrong, says in mistakes:
        assert says in " ".join(told(file(MAZUR + ask.replace('[1, "c"]', wrong)))), wrong


def test_constants_and_the_names_of_an_author(file):
    circuit = 'format = 1\ntitle = "c"\n[circuit]\ndefine = ["f = sin(pi / 2 * x) + e"]\noutput = "f"\n'
    circuit += "[circuit.inputs]\nx = 1\n"
    assert trace(load(file(circuit))).find("f").value == pytest.approx(1 + math.e)
    assert trace(load(file(circuit + "e = 5\n"))).find("f").value == pytest.approx(6)
