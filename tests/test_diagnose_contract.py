"""`diagnose` sentence by sentence: what a file may be and be called, exit codes, the JSON, and what is given."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest

from strategies import bundled, dense, network_lesson
from test_diagnose import DOCS, WIDE, by_numpy, given_source, judged, sigma
from tutor.cli.commands import main
from tutor.engine.expressions import Ref
from tutor.engine.run import Run
from tutor.engine.trace import Trace, trace
from tutor.lessonfiles.check import load
from tutor.solutions.files import read_arrays
from tutor.solutions.judging import diagnose

RIGHT = by_numpy()


@pytest.fixture
def judge(tmp_path, monkeypatch, capsys):
    """Diagnoses bytes (or arrays, as JSON) by a suffix ("-": standard input): exit code, and JSON or words."""
    lesson = tmp_path / "wide.toml"
    lesson.write_text(WIDE)

    def run(data, suffix="-", *options, lesson=lesson):
        if isinstance(data, dict):
            data = json.dumps({name: np.asarray(value).tolist() for name, value in data.items()})
        data = data.encode() if isinstance(data, str) else data
        path = "-"
        if suffix == "-":
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        else:
            path = str(tmp_path / f"mine{suffix}")
            (tmp_path / f"mine{suffix}").write_bytes(data)
        code = main(["diagnose", str(lesson), path, "--format", "json", *options])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return (code, json.loads(out)) if out.startswith("{") else (code, err)

    return run


def npz(arrays, kind=float):
    held = io.BytesIO()
    np.savez(held, **{name: np.asarray(value, dtype=kind) for name, value in arrays.items()})
    return held.getvalue()


def verdicts(found):
    return {array["name"]: (array["step"], array["verdict"]) for array in found["arrays"]}


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("name, key", [
    ("layers.0.weight.grad", "dW1"), ("0.bias.grad", "db1"), ("dz_1", "dz1"), ("grad_W1", "dW1"),
    ("dW1", "dW1"), ("W1.grad", "dW1"),
    ("dL/dW2", "dW2"), ("∂L/∂z2", "dz2"), ("dZ2", "dz2"), ("delta_2", "dz2"), ("dLdb2", "db2"), ('grads["W2"]', "dW2"),
    ("fc1.weight.grad", "dW1"), ("a1", "a1"), ("A1", "a1"), ("y_hat", "a2"), ("loss", "L"), ("W2_new", "W2new"),
])  # fmt: skip
def test_what_people_call_a_value_is_that_value(judge, name, key):
    code, found = judge({name: RIGHT[key]})
    assert code == 0 and found["first_wrong"] is None, found
    assert [array["verdict"] for array in found["arrays"]] == ["right"]


def test_bare_names_of_modules_are_what_the_others_of_the_file_are(judge):
    """A dict of gradients under the parameters' names, as PyTorch's recipe saves it; two of them wrong."""
    wrong = by_numpy(hidden_slope=lambda a: 1)
    grads = {"0.weight": wrong["dW1"], "0.bias": wrong["db1"], "2.weight": wrong["dW2"], "2.bias": wrong["db2"]}
    code, found = judge(grads)
    assert code == 1 and found["first_wrong"] == "dL/dW1"
    assert verdicts(found)["2.bias"] == ("dL/db2", "right") and verdicts(found)["0.bias"] == ("dL/db1", "carried")
    code, found = judge({"0.weight": wrong["dW1"] * 1.7, "2.weight": wrong["dW2"] * 1.3})
    assert {verdict for _, verdict in verdicts(found).values()} == {"unknown"} and code == 2, "asked about, not guessed"
    assert "rename it, or say which with --names" in found["arrays"][0]["message"]


def test_one_module_alone_is_the_layer_whose_numbers_it_has(judge):
    code, found = judge({"head.weight.grad": RIGHT["dW2"], "head.bias.grad": RIGHT["db2"]})
    assert code == 0 and verdicts(found)["head.weight.grad"] == ("dL/dW2", "right")


def test_a_file_of_names_says_what_cannot_be_told(judge, tmp_path):
    names = tmp_path / "names.json"
    names.write_text('{"grad_hidden": "dL/dW1"}')
    assert judge({"grad_hidden": RIGHT["dW1"]})[0] == 2
    code, found = judge({"grad_hidden": RIGHT["dW1"]}, "-", "--names", str(names))
    assert code == 0 and found["arrays"][0]["step"] == "dL/dW1"
    names.write_text('{"grad_hidden": "dL/dW9"}')
    code, found = judge({"grad_hidden": RIGHT["dW1"]}, "-", "--names", str(names))
    assert code == 2 and found["arrays"][0]["message"].endswith("did you mean 'dL/dW2'?")


def test_code_that_numbers_as_ids_do_is_plain_whatever_a_notation_calls_so():
    """Square layers, where no shape tells: W3_new is W3', and a notation that counts the input changes nothing."""
    square = '[[network.layers]]\nunits = 3\nactivation = "tanh"\n'
    t = trace(load(given_source(WIDE.split("[[network.layers]]")[0] + square * 3 + """
[[examples]]
inputs = [1.0, 2.0, -1.0]
targets = [1.0, 0.0, 0.5]
[training]
learning_rate = 0.5
""", "square")))  # fmt: skip
    for layer in (1, 2, 3):
        new, old = (np.asarray(t.find(f"W{layer}'").value), np.asarray(t.value(Ref(t.program.named(f"W{layer}")))))
        _, found = judged(t, {f"W{layer}_new": 2 * old - new})  # uphill: a slip that is found at once
        assert found[f"W{layer}_new"].step == f"W{layer}'"


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("data, suffix", [
    ("dz1\t{0:.6f}\t{1:.6f}\ndz2\t{2:.6f}\t{3:.6f}\n", ".tsv"), ("dz1\t{0:.6f}\t{1:.6f}\n", "-"),

    ("dz1,{0:.6f},{1:.6f}\r\ndz2,{2:.6f},{3:.6f}\r\n", ".csv"),

    ("dz1,{0:.6f},{1:.6f}\rdz2,{2:.6f},{3:.6f}\r", ".csv"),
    ("\ufeffdz1,{0:.6f},{1:.6f}\n", ".csv"),
    ("\ufeff{{\"dz1\": [{0}, {1}]}}", "-"),
])  # fmt: skip
def test_tables_whatever_ends_their_lines(judge, data, suffix):
    assert judge(data.format(*RIGHT["dz1"], *RIGHT["dz2"]), suffix)[0] == 0


@pytest.mark.parametrize("data, suffix", [
    ("dz1;{};{}\n", ".csv"), ("dz1\t{}\t{}\n", ".tsv"), ('dz1,"{}","{}"\n', ".csv"),
])  # fmt: skip
def test_decimal_commas(judge, data, suffix):
    commas = [f"{value:.6f}".replace(".", ",") for value in RIGHT["dz1"]]
    assert judge(data.format(*commas), suffix)[0] == 0
    if suffix == ".tsv":
        code, said = judge("L\t1,234\n", suffix)
        assert code == 2 and "may be 1.234 or 1234" in said


def test_as_utf_16_too(judge):
    text = json.dumps({"dz1": RIGHT["dz1"].tolist()})
    assert judge(text.encode("utf-16"), ".json")[0] == judge(text.encode("utf-16"))[0] == 0


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_binary_arrays_are_judged_as_finely_as_their_type_is(judge, kind):
    assert judge(npz(RIGHT, kind), ".npz")[0] == 0 and judge(npz(RIGHT, kind))[0] == 0
    off = npz({"dz1": RIGHT["dz1"] * (1 + 1e-3 if kind is not np.float16 else 1.05)}, kind)
    assert judge(off, ".npz")[0] == 1


@pytest.mark.parametrize("data, suffix, says", [
    ("", ".json", "empty"), ("{}", ".json", "no array"), ("\n\n", ".csv", "empty"), ("[1, 2]", "-", "it is no object"),
    ('{"dz1": [1], "dz1": [2]}', "-", "there twice"),
    ("dz1,1,1\ndz2,1,1\ndz1,2,2\n", ".csv", "line 3: 'dz1' is there twice"),
    ('{"dz1": [[1, 2], [3]]}', "-", "different lengths"), ('{"dz1": "abc"}', "-", "no number"),
    ('{"dz1": []}', "-", "no number"),
    ("dz1 0.1 0.2", ".txt", "a line of a table is"), (b"\x93NUMPY\x01\x00v", ".npy", "one array without a name"),
    (b"PK\x03\x04broken", ".npz", "broken"), ("a,1\n" + '"' + "x" * 200_000 + '",1\n', ".csv", "no table"),
])  # fmt: skip
def test_what_is_no_file_of_arrays_is_refused_with_a_reason(judge, data, suffix, says):
    code, said = judge(data, suffix)
    assert code == 2 and says in said


@pytest.mark.parametrize(
    "cells", ["NaN, 1", "Infinity, 1", "null, 1", "-Infinity, 1", "9" * 400 + ", 1", "1e400, 1", "9" * 5000 + ", 1"]
)
def test_numbers_that_are_none_are_wrong_and_the_headline(judge, cells):
    code, found = judge(f'{{"dz1": [{cells}]}}')
    assert code == 1 and found["first_wrong"] == "dL/dz1" and "not finite" in found["headline"]
    assert found["arrays"][0]["max_difference"] is None


def test_rows_may_each_have_their_name(judge):
    rows = "".join(f"dW1,{','.join(f'{value:.7f}' for value in row)}\n" for row in RIGHT["dW1"])
    assert judge(rows, ".csv")[0] == 0


# ---------------------------------------------------------------- exit codes and JSON


def test_unknown_is_never_the_first_wrong_and_is_not_passed_over(judge):
    code, found = judge({"foo": [1, 2], "dW1": RIGHT["dW1"]})
    assert code == 0 and found["first_wrong"] is None and verdicts(found)["foo"] == (None, "unknown")
    assert found["headline"] == "It is right. Not judged: 'foo'."
    assert judge({"foo": [1, 2]})[0] == 2
    code, found = judge({"foo": [1, 2], "dW1": 2 * RIGHT["dW1"]})
    assert code == 1 and found["first_wrong"] == "dL/dW1"


def test_the_json_has_what_is_documented_and_control_characters_stay_escaped(judge, tmp_path, capsys):
    bad = {"dz\u001b[31m1": [1, 2], "dL/dz1": RIGHT["dz1"] * 2, "W1": [1.0]}
    code, found = judge(bad)
    assert code == 1 and set(found) == {"format", "lesson", "iteration", "first_wrong", "headline", "untried", "arrays"}
    assert (found["format"], found["lesson"], found["iteration"]) == (1, "wide", 1)
    assert [array["name"] for array in found["arrays"]] == list(bad), "in the order of the file"
    assert [array["verdict"] for array in found["arrays"]] == ["unknown", "slip", "shape"]
    for array in found["arrays"]:
        assert set(array) == {"name", "step", "verdict", "message", "slips", "max_difference"}
        assert len(array["slips"]) <= 3 and all(set(s) == {"name", "title", "at", "explains"} for s in array["slips"])
    assert found["first_wrong"] == "W1", "a shape is wrong, and given before all else"
    (tmp_path / "bad.json").write_text(json.dumps({"dz\u001b[31m1": [1, 2], "z1": [0, 0]}))
    main(["diagnose", str(tmp_path / "wide.toml"), str(tmp_path / "bad.json")])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("options, says", [
    (("--iteration", "0"), "--iteration"), (("--iteration", "x"), "--iteration"), (("--example", "2"), "--example"),
    (("--names", "nowhere.json"), "nowhere"),
])  # fmt: skip
def test_bad_usage(judge, options, says):
    code, said = judge({"dz1": [1, 2]}, "-", *options)
    assert code == 2 and says in said


def test_another_iteration_has_its_own_numbers(judge):
    """The second update takes the second row, with the weights of the first."""
    first = by_numpy()
    x, y = np.array([0.5, -1.5, 2.0]), np.array([0.0, 1.0])
    b1, b2 = np.array([0.1, -0.3]) - 0.5 * first["db1"], np.array([0.2, 0.6]) - 0.5 * first["db2"]
    a1 = sigma(first["W1new"] @ x + b1)
    a2 = sigma(first["W2new"] @ a1 + b2)
    second = {"a1": a1, "a2": a2, "dz2": (a2 - y) * a2 * (1 - a2)}
    assert judge(second, "-", "--iteration", "2")[0] == 0 and judge(second)[0] == 1


# ---------------------------------------------------------------- what is given


def test_other_given_numbers_are_the_headline_and_what_follows_is_carried(judge):
    W1 = np.array([[0.2, -0.4, 0.1], [0.5, 0.3, 0.2]])
    z1 = W1 @ [1, 2, -1] + [0.1, -0.3]
    code, found = judge({"z1": z1, "a1": sigma(z1), "W1": W1})
    assert code == 1 and found["first_wrong"] == "W1"
    assert "W1[2,3] is −0.2 there, 0.2 here" in found["headline"] and "judged by yours" in found["headline"]
    assert verdicts(found) == {"W1": ("W1", "wrong"), "z1": ("z1", "carried"), "a1": ("a1", "carried")}


def test_another_row_and_the_updated_weights_are_told_as_such(judge):
    other = by_numpy(row=1)
    _, found = judge({"x": [0.5, -1.5, 2.0], "z1": other["z1"]})
    (slip,) = found["arrays"][0]["slips"]
    assert slip["name"] == "another-row" and "row 2 in place of row 1" in slip["title"]
    assert verdicts(found)["z1"] == ("z1", "carried")
    _, found = judge({"W1": RIGHT["W1new"], "z1": RIGHT["z1"]})
    assert "after the update, W1'" in found["headline"] and verdicts(found)["z1"] == ("z1", "right")


def test_given_numbers_with_few_digits_are_right(judge):
    assert judge('{"x": [1, 2, -1], "W1": [[0.2, -0.4, 0.1], [0.5, 0.3, -0.2]], "y": [1, 0]}')[0] == 0


def test_the_page_that_printed_a_slip_is_explained_as_the_documents_say(tmp_path, monkeypatch, capsys):
    """The lesson, the table and the command of docs/diagnose.md, and what it is said to print, line by line."""
    text = DOCS.read_text(encoding="utf-8").split("## A page that printed a slip")[1].split("\n## ")[0]
    for name, kind in (("walkthrough.toml", "toml"), ("printed.csv", "text")):
        (tmp_path / name).write_text(re.search(rf"```{kind}\n(.*?)```", text, re.S)[1], encoding="utf-8")
    command = re.search(r"```sh\nbackprop-tutor (.*?)\n```", text)[1].split()
    monkeypatch.chdir(tmp_path)
    assert main(command) == 1
    assert capsys.readouterr().out == re.findall(r"```text\n(.*?)```", text, re.S)[1]
    h2 = np.tanh(0.5 * 2 + 0.1 * np.tanh(0.5))
    assert f"{h2:.4f}" == "0.7803" and f"{(2 * h2 - 2) * 2 * (1 - h2**2) * 2:.3f}" == "-0.687"


@pytest.mark.parametrize("arrays, verdicts_", [
    ({"q": 3, "df/dz": 4}, ["right", "wrong"]), ({"df/dz": 4}, ["wrong"]), ({"f": -11}, ["wrong"]),
    ({"q": 4, "df/dz": 5}, ["wrong", "wrong"]), ({"q": 4, "df/dz": 4, "f": -16}, ["wrong", "carried", "carried"]),
])  # fmt: skip
def test_whole_numbers_are_meant_as_they_are(arrays, verdicts_):
    """f = (x + y) z at x = −2, y = 5, z = −4: a 4 is no 3 that was rounded on the way."""
    found = diagnose(trace(bundled("gates")), read_arrays("-", json.dumps(arrays).encode()))
    assert [array.verdict for array in found.arrays] == verdicts_


# ---------------------------------------------------------------- settings with any number


@pytest.fixture(scope="module")
def updates():
    """Two layers and a batch, by NumPy alone: the new weights after two updates, with what one may set as arguments."""
    rng = np.random.default_rng(3)
    W = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))

    def new_weights(how, rate=0.1, mu=0.9, l2=0.0, eps=1e-8, updates=2):
        w, kept, squares = [m.copy() for m in W], [0.0, 0.0], [0.0, 0.0]
        for t in range(1, updates + 1):
            a = np.tanh(x @ w[0].T)
            dz = a @ w[1].T - y
            back = dz @ w[1] * (1 - a**2)
            gradients = [back.T @ x / 5 + l2 * w[0], dz.T @ a / 5 + l2 * w[1]]
            for k, g in enumerate(gradients):
                if how == "adam":
                    kept[k], squares[k] = 0.9 * kept[k] + 0.1 * g, 0.999 * squares[k] + 0.001 * g**2
                    step = kept[k] / (1 - 0.9**t) / (np.sqrt(squares[k] / (1 - 0.999**t)) + eps)
                else:
                    kept[k] = step = mu * kept[k] * (how == "momentum") + g
                w[k] = w[k] - rate * step
        return {"W1_new": w[0], "W2_new": w[1]}

    def trace_of(how, l2=0.0):
        layers = [dense(W[0], None, "tanh"), dense(W[1])]
        training = {"batch": "all", "optimizer": how, "learning_rate": 0.1, "l2": l2}
        lesson = network_lesson(layers, "half_squared_error", x, y, **training)
        return Trace(lesson, Run(lesson).iteration(2))

    return new_weights, trace_of


@pytest.mark.parametrize("how, l2, wrong, name, title", [
    ("momentum", 0.0, {"mu": 0.73}, "another-momentum", "0.73 in place of 0.9"),
    ("adam", 0.0, {"eps": 0.0123}, "another-epsilon", "0.0123 in place of"),
    ("adam", 0.0, {"rate": 0.0371}, "another-learning-rate", "0.0371 in place of 0.1"),
    ("sgd", 0.05, {"l2": 0.05}, None, ""), ("momentum", 0.05, {"l2": 0.05}, None, ""), ("adam", 0.0, {}, None, ""),
])  # fmt: skip
def test_a_setting_is_told_with_whatever_number_it_has(updates, how, l2, wrong, name, title):
    """Momentum and Adam carry the slip of the first update into the second: there only what the second one takes."""
    new_weights, trace_of = updates
    if name is None:
        found, _ = judged(trace_of(how, l2), new_weights(how, **{"l2": l2, **wrong}))
        assert found.right, found
        return
    right = trace_of(how, l2)
    held = _one_update(right, how, wrong)
    _, verdicts_ = judged(right, held)
    slip = verdicts_["W2_new"].slips[0]
    assert slip.name == name and title in slip.title


def _one_update(t, how, wrong):
    """The second update alone, from the lesson's own weights, memories and gradients before it."""
    settings = {"mu": 0.9, "rate": 0.1, "eps": 1e-8, **wrong}
    new = {}
    for k in (1, 2):
        w, g = (np.asarray(t.find(id).value if "/" in id else t.iteration.values[id]) for id in (f"W{k}", f"dL/dW{k}"))
        if how == "momentum":
            step = settings["mu"] * t.iteration.values[f"W{k}.velocity"] + g
        else:
            m = 0.9 * t.iteration.values[f"W{k}.m"] + 0.1 * g
            v = 0.999 * t.iteration.values[f"W{k}.v"] + 0.001 * g**2
            step = m / (1 - 0.9**2) / (np.sqrt(v / (1 - 0.999**2)) + settings["eps"])
        new[f"W{k}_new"] = w - settings["rate"] * step
    return new


def test_one_number_is_no_proof_of_an_odd_setting(updates):
    _, trace_of = updates
    t = trace_of("sgd")
    right = np.asarray(t.find("L").value)
    _, verdicts_ = judged(t, {"L": 1.2345 * right})
    assert verdicts_["L"].verdict == "wrong"
