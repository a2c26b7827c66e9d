"""Networks of one's own: the layers in a file of weights, the lesson that is made of them, references in lessons."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest

import tutor
from tutor.cli.commands import main
from tutor.engine.evaluation import Evaluator
from tutor.engine.forward import initial_parameters
from tutor.engine.run import Run
from tutor.lessonfiles.check import examine, load
from tutor.lessonfiles.model_layers import NoChain, Open, find
from tutor.lessonfiles.reading.lesson import files
from tutor.lessonfiles.writing import lesson_text
from tutor.play.whatif import WhatIf

RNG = np.random.default_rng(3)
A, B, C = RNG.normal(size=(3, 2)), RNG.normal(size=(4, 3)), RNG.normal(size=(2, 4))  # out × in: 2 → 3 → 4 → 2
a, b, c = RNG.normal(size=3), RNG.normal(size=4), RNG.normal(size=2)
X = np.array([[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0], [0.25, 0.75]])
Y = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=float)


def torch_like():
    return {"fc1.weight": A, "fc1.bias": a, "fc2.weight": B, "fc2.bias": b, "out.weight": C, "out.bias": c}


def forward(x):
    """The network by hand: tanh, tanh, softmax."""
    z = C @ np.tanh(B @ np.tanh(A @ x + a) + b) + c
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()


# ---------------------------------------------------------------- which layers there are

STYLES = {
    "torch": torch_like(),
    "sequential": {"0.weight": A, "0.bias": a, "2.weight": B, "2.bias": b, "10.weight": C, "10.bias": c},
    "out of order": {"layers.10.bias": c, "layers.10.weight": C, "layers.2.weight": B, "layers.2.bias": b,
                     "layers.1.weight": A, "layers.1.bias": a},
    "numpy": {"W1": A, "b1": a[:, None], "W2": B, "b2": b[:, None], "W3": C, "b3": c[None]},
    "weights": {"weights_0": A, "biases_0": a, "weights_1": B, "biases_1": b, "weights_2": C, "biases_2": c},
    "keras": {"dense/kernel:0": A.T, "dense/bias:0": a, "dense_1/kernel:0": B.T, "dense_1/bias:0": b,
              "dense_2/kernel:0": C.T, "dense_2/bias:0": c},
    "flax": {"params.Dense_0.kernel": A.T, "params.Dense_0.bias": a, "params.Dense_1.kernel": B.T,
             "params.Dense_1.bias": b, "params.Dense_2.kernel": C.T, "params.Dense_2.bias": c},
    "sklearn": {"coefs_0": A.T, "intercepts_0": a, "coefs_1": B.T, "intercepts_1": b, "coefs_2": C.T,
                "intercepts_2": c},
    "without names": {"arr_0": A, "arr_1": a, "arr_2": B, "arr_3": b, "arr_4": C, "arr_5": c},
    "a checkpoint": {**{f"model.{name}": value for name, value in torch_like().items()},
                     "optimizer.step": np.array(3.0), "optimizer.state.0.exp_avg": A},
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_layers_are_found_by_their_names_and_shapes(style):
    chain = find(STYLES[style])
    assert chain.sizes == (2, 3, 4, 2)
    assert [np.array_equal(*pair) for pair in zip(chain.matrices(STYLES[style]), (A, B, C), strict=True)] == [True] * 3
    assert [STYLES[style][layer.biases].size for layer in chain.layers] == [3, 4, 2]
    assert chain.in_by_out == (style in ("keras", "flax", "sklearn"))
    assert ("in × out" if chain.in_by_out else "out × in") in chain.said[0]


def test_an_order_that_neither_numbers_nor_the_file_tell_is_asked_for():
    alphabet = {"first.weight": B, "last.weight": np.ones((5, 4)), "next.weight": A}  # 3 → 4, 4 → 5, 2 → 3
    with pytest.raises(NoChain, match="they do in the order next,first,last"):
        find(alphabet)
    chain = find(alphabet, order=["next", "first", "last"])
    assert chain.sizes == (2, 3, 4, 5)
    with pytest.raises(NoChain, match="no layer 'middle'"):
        find(alphabet, order=["next", "middle"])
    said = "The order of the layers is that of the file: 'fc1', 'fc2', 'out'."
    assert said in find(torch_like()).said and said not in find(STYLES["sequential"]).said


def test_what_is_left_aside_and_what_has_no_biases_is_said():
    chain = find({"X": X, "W1": A, "b1": a, "W2": B, "loss_history": np.ones(9)})
    assert chain.layers[1].biases is None
    assert "Without biases: '2'." in chain.said and "Left aside: 'X', 'loss_history'." in chain.said


SQUARE = {"fc1.weight": np.eye(3), "fc1.bias": np.ones(3), "fc2.weight": np.ones((3, 3)), "fc2.bias": np.ones(3)}


def test_a_square_matrix_is_open_until_somebody_says_or_a_neighbour_tells():
    with pytest.raises(Open, match="out × in or in × out"):
        find(SQUARE)
    assert find(SQUARE, in_by_out=True).in_by_out and not find(SQUARE, in_by_out=False).in_by_out
    assert find({**SQUARE, "fc3.weight": np.ones((3, 2)), "fc3.bias": np.ones(2)}).in_by_out
    assert not find({**SQUARE, "fc3.weight": np.ones((2, 3)), "fc3.bias": np.ones(2)}).in_by_out
    with pytest.raises(Open):  # 2 → 3 or 3 → 2
        find({"W": A})
    assert find({"W": A}, inputs=3).in_by_out


NO_CHAINS = [
    ({"conv1.weight": np.ones((4, 1, 3, 3)), "conv1.bias": np.ones(4)}, "4 × 1 × 3 × 3: a convolution"),
    ({**torch_like(), "bn.running_mean": np.ones(3)}, "what a batch norm remembers"),
    ({**torch_like(), "bn.weight": np.ones(3), "bn.bias": np.ones(3)}, "do not fit together"),
    ({"rnn.weight_ih_l0": A, "rnn.weight_hh_l0": np.eye(3)}, "a recurrent layer"),
    ({"embedding.weight": B}, "an embedding"),
    ({"attn.in_proj_weight": B}, "a part of attention"),
    ({"fc1.weight.grad": A, "fc1.bias.grad": a}, "a gradient"),
    ({"dW1": A, "db1": a}, "a gradient"),
    ({"fc1.weight": A, "fc1.bias": a, "out.weight": C, "out.bias": c},
     "'fc1.weight' 3 × 2, 'fc1.bias' 3; 'out.weight' 2 × 4"),
    ({"W1": A, "b1": a, "b2": b}, "'b2' has no weights beside it"),
    ({"W1": A, "b1": b}, "do not fit together"),
    ({"W1": A, "w1": A}, "both the weights of one layer"),
    ({"history": np.ones(4)}, "does not say weight or bias"),
    ({}, "no matrix of weights"),
]  # fmt: skip


@pytest.mark.parametrize("arrays, says", NO_CHAINS, ids=[says for _, says in NO_CHAINS])
def test_what_is_no_chain_of_dense_layers_says_why(arrays, says):
    with pytest.raises(NoChain) as error:
        find(arrays)
    assert says in str(error.value)


def test_the_direction_that_is_said_must_fit():
    with pytest.raises(NoChain, match="as in × out, the other way they do"):
        find(torch_like(), in_by_out=True)


# ---------------------------------------------------------------- references

LESSON = """format = 1
title = "Mine"
[network]
inputs = 2
loss = "cross_entropy"
[[network.layers]]
units = 3
activation = "tanh"
weights = "model.npz:fc1.weight"
biases = "model.npz:fc1.bias"
[[network.layers]]
units = 4
activation = "tanh"
weights = "model.npz:fc2.weight"
biases = "model.npz:fc2.bias"
[[network.layers]]
units = 2
activation = "softmax"
weights = "model.npz:out.weight"
biases = "model.npz:out.bias"
[[examples]]
inputs = [0.5, -1]
target = 1
"""


@pytest.fixture
def mine(tmp_path):
    np.savez(tmp_path / "model.npz", names=np.array(["a", "b"]), **torch_like())
    path = tmp_path / "mine.toml"
    path.write_text(LESSON, encoding="utf-8")
    return path


def test_a_lesson_computes_with_the_weights_of_its_file(mine):
    assert not [found for found in examine(mine)[1] if found.severity == "error"]
    assert tutor.load(mine).trace()["a3"].value == pytest.approx(forward(X[0]), abs=1e-14)
    assert files(mine) == (mine, mine.parent / "model.npz")  # --watch looks at both


def test_kernels_that_have_a_row_a_feeding_unit(mine):
    arrays = torch_like()
    np.savez(mine.parent / "model.npz", **{name: value.T for name, value in arrays.items()})
    mine.write_text(LESSON.replace('loss =', 'layout = "from_to"\nloss ='), encoding="utf-8")
    assert tutor.load(mine).trace()["a3"].value == pytest.approx(forward(X[0]), abs=1e-14)


WRONG = [
    ("model.npz:fc1.weight", "modle.npz:fc1.weight", 9,
     "no file 'modle.npz' beside the lesson: did you mean 'model.npz'?"),
    ("model.npz:fc1.weight", "model.npz:fc1.weigth", 9,
     "no array 'fc1.weigth' in 'model.npz': did you mean 'fc1.weight'?"),
    ("model.npz:fc1.weight", "model.npz:names", 9, "no array 'names'"),
    ("model.npz:fc1.weight", "model.npz:fc1.bias", 9, "weights of layer 1 has 3 columns; the network has 2 inputs"),
    ("model.npz:fc1.weight", "model.npz:fc2.weight", 9, "weights of layer 1 has 3 columns"),
    ("model.npz:fc1.bias", "model.npz:fc2.bias", 10, "biases of layer 1 has 4 values; the layer has 3 units"),
    ("model.npz:fc1.bias", "model.npz:fc1.weight", 10, "'fc1.weight' in 'model.npz' is 3 × 2, and biases is a list"),
    ("model.npz:fc1.weight", "../model.npz:fc1.weight", 9, "stands beside the lesson or below its folder"),
    ("model.npz:fc1.weight", "/tmp/model.npz:fc1.weight", 9, "not by an absolute path"),
    ("model.npz:fc1.weight", "model.csv:fc1.weight", 9, "'model.csv' is no file of arrays"),
    ("model.npz:fc1.weight", "xaver", 9, "unknown weights 'xaver': did you mean 'xavier'?"),
    ("model.npz:fc1.bias", "zeros", 10, "unknown biases 'zeros'"),
]  # fmt: skip


@pytest.mark.parametrize("old, new, line, says", WRONG, ids=[new for _, new, *_ in WRONG])
def test_what_is_wrong_with_a_reference_is_told_at_its_key(mine, old, new, line, says):
    mine.write_text(LESSON.replace(f'"{old}"', f'"{new}"'), encoding="utf-8")
    found, *more = [one for one in examine(mine)[1] if one.severity == "error"]
    assert all(one.line == line for one in more)
    assert (found.line, found.column > 9) == (line, True) and says in found.message


def test_a_number_that_is_not_finite_is_told(mine):
    arrays = torch_like()
    arrays["fc2.weight"] = B.copy()
    arrays["fc2.weight"][1, 2] = np.inf
    np.savez(mine.parent / "model.npz", **arrays)
    (found,) = [one for one in examine(mine)[1] if one.severity == "error"]
    assert found.line == 14 and "has a number at [2,3] that is not finite" in found.message


def test_a_link_out_of_the_folder_is_refused(mine, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "model.npz"
    os.replace(mine.parent / "model.npz", elsewhere)
    os.symlink(elsewhere, mine.parent / "model.npz")
    (found, *_) = [one for one in examine(mine)[1] if one.severity == "error"]
    assert "a link to elsewhere" in found.message


def test_a_file_with_no_arrays_is_told_by_its_name(mine):
    (mine.parent / "model.npz").write_bytes(b"PK and nothing else")
    (found,) = [one for one in examine(mine)[1] if one.severity == "error"]
    assert found.path.endswith("model.npz") and "no archive of arrays" in found.message


def test_a_changed_lesson_keeps_in_the_file_what_is_unchanged(mine):
    changes = WhatIf(load(mine)).apply("W2[1,1] = 0.25; learning_rate = 0.5")
    beside = mine.parent / "changed.toml"
    beside.write_text(changes.text(beside), encoding="utf-8")
    text = beside.read_text(encoding="utf-8")
    assert '"model.npz:fc1.weight"' in text and "fc2.weight" not in text and '"model.npz:fc2.bias"' in text
    elsewhere = mine.parent / "deeper" / "changed.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(changes.text(elsewhere), encoding="utf-8")
    assert "model.npz" not in elsewhere.read_text(encoding="utf-8")
    for path in (beside, elsewhere):
        theirs = initial_parameters(load(path))
        assert all(np.array_equal(theirs[id], value) for id, value in changes.parameters.items())


def test_a_lesson_with_its_numbers_needs_no_file(mine):
    ours = load(mine)
    theirs = tutor.loads(lesson_text(ours))
    assert theirs.trace()["L"].value == tutor.load(mine).trace()["L"].value


# ---------------------------------------------------------------- new --from


def new(*args):
    return main(["new", *map(str, args)])


def test_a_lesson_from_a_model(tmp_path, capsys):
    np.savez(tmp_path / "model.npz", **torch_like())
    (tmp_path / "lessons").mkdir()
    path = tmp_path / "lessons" / "mine.toml"
    assert new(path, "--from", tmp_path / "model.npz", "--activation", "tanh,softmax") == 0
    said = capsys.readouterr().out
    assert "2 → 3 → 4 → 2" in said and "out × in" in said and "Copied beside the lesson: model.npz" in said
    x = load(path).inputs[0]
    assert tutor.load(path).trace()["a3"].value == pytest.approx(forward(x), abs=1e-14)
    before = path.read_bytes()
    assert new(path, "--from", tmp_path / "model.npz", "--activation", "tanh,softmax") == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize("classes", ["numbers", "words"])
def test_a_lesson_from_a_model_and_its_data(tmp_path, capsys, classes):
    words = ["0", "1"] if classes == "numbers" else ["no", "yes"]
    np.savez(tmp_path / "model.npz", **{name: value.T for name, value in torch_like().items()})
    rows = "\n".join(f"{x[0]},{x[1]},{words[int(np.argmax(y))]}" for x, y in zip(X, Y, strict=True))
    (tmp_path / "rows.csv").write_text(f"p,q,label\n{rows}\n", encoding="utf-8")
    path = tmp_path / "mine.toml"
    given = [path, "--from", tmp_path / "model.npz", "--activation", "tanh,softmax", "--data", tmp_path / "rows.csv"]
    if classes == "words":  # which output is which, no file says
        assert new(*given) == 2 and not path.exists()
        assert "--classes no,yes" in capsys.readouterr().err
        given += ["--classes", "no,yes"]
    assert new(*given, "--held-out", 0.25) == 0
    said = capsys.readouterr().out
    right = sum(np.argmax(forward(x)) == np.argmax(y) for x, y in zip(X, Y, strict=True))
    lesson = load(path)
    unseen = Evaluator(lesson).held_out
    assert len(lesson.held_out) == 1 and lesson.network.layout == "from_to"
    parameters = initial_parameters(lesson)
    assert Evaluator(lesson).evaluate(parameters).correct + unseen.evaluate(parameters).correct == right
    assert "With these weights: " in said and "Held out, 1 row of 4" in said
    assert not [found for found in examine(path)[1] if "batch" in found.message] and lesson.training.batch == "all"


USAGE = [
    (["--from", "model.npz"], "--activation tanh,tanh,softmax".replace("tanh", "relu")),
    (["--from", "model.npz", "--activation", "tanh,softmax,relu,relu"], "has 4, the network 3 layers"),
    (["--from", "model.npz", "--activation", "tahn,softmax"], "did you mean 'tanh'?"),
    (["--from", "model.npz", "--activation", "tanh,sigmoid"], "--loss binary_cross_entropy"),
    (["--from", "model.npz", "--activation", "tanh,sigmoid", "--loss", "cross_entropy"], "does not follow sigmoid"),
    (["--from", "square.npz", "--activation", "tanh,tanh"], "say it with --out-by-in (PyTorch) or --in-by-out"),
    (["--from", "none.npz"], "there is no such file"),
    (["--from", "model.csv"], "--from takes a file of arrays"),
    (["--from", "model.npz", "--activation", "tanh,softmax", "--data", "none.csv"], "there is no file 'none.csv'"),
    (["--from", "model.npz", "--activation", "tanh,softmax", "--data", "wide.csv"], "the table has 5 columns"),
    (["--from", "model.npz", "--activation", "tanh,softmax", "--scale", "2"], "--scale goes with --data"),
    (["--from", "model.npz", "--arrays"], "two beginnings"),
    (["--loss", "hinge"], "--loss goes with --from"),
]


@pytest.mark.parametrize("args, says", USAGE, ids=[says for _, says in USAGE])
def test_what_cannot_be_made_is_said_and_nothing_is_written(args, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("model.npz", **torch_like())
    np.savez("square.npz", **SQUARE)
    (tmp_path / "wide.csv").write_text("a,b,c,d,e\n1,2,3,4,5\n", encoding="utf-8")
    before = sorted(os.listdir())
    assert new("mine.toml", *args) == 2
    assert says in capsys.readouterr().err and sorted(os.listdir()) == before


def test_in_a_terminal_it_asks(tmp_path, capsys, monkeypatch):
    np.savez(tmp_path / "square.npz", **SQUARE)
    stdin = io.StringIO("sideways\nin\ntanhh\nrelu\nlinear\n\n")
    stdin.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", stdin)
    path = tmp_path / "mine.toml"
    assert new(path, "--from", tmp_path / "square.npz") == 0
    lesson = load(path)
    assert lesson.network.layout == "from_to" and lesson.network.loss == "squared_error"
    assert [layer.activation for layer in lesson.network.layers] == ["tanh", "relu"]


def test_an_archive_that_unpacks_to_more_than_there_may_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tutor.lessonfiles.array_files.MOST", 2_000)
    with zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W1.npy", b"\0" * 10_000)
    with pytest.raises(tutor.LessonError, match="unpacks to more than 2,000 bytes"):
        (tmp_path / "l.toml").write_text(LESSON.replace("model.npz", "m.npz"), encoding="utf-8")
        load(tmp_path / "l.toml")


def _encrypted(data):
    at = data.index(b"PK\x01\x02")  # the flag in the directory, and that before the array
    return data[:6] + b"\x01" + data[7 : at + 8] + b"\x01" + data[at + 9 :]


@pytest.mark.parametrize("damage", [_encrypted, lambda data: data[:200], lambda data: data.replace(b"NUMPY", b"NUMPI")])
def test_a_damaged_file_is_a_message(mine, damage):
    path = mine.parent / "model.npz"
    path.write_bytes(damage(path.read_bytes()))
    assert errors_of(mine)


def errors_of(path):
    return [found for found in examine(path)[1] if found.severity == "error"]


def test_everything_works_on_it(mine):
    lesson = load(mine)
    run = Run(lesson)
    assert run.train(3) == "done" and np.isfinite(run.losses).all()
    assert tutor.load(mine).trace()["dL/dW2"].check().passed
