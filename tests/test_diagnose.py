"""A whole solution diagnosed: names, files, verdicts, the command and its JSON. Passes are NumPy's."""

from __future__ import annotations

import io
import json
import pickle
import random
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tutor
from each import each
from tutor.cli.commands import main
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.lessonfiles.positions import given_source
from tutor.solutions.files import MOST_DECIMALS, BadFile, Handed, fineness, read_arrays
from tutor.solutions.judging import diagnose

DOCS = Path(__file__).parent.parent / "docs" / "diagnose.md"
WIDE = """
format = 1
title = "Three inputs, two units, two outputs"
[network]
inputs = 3
loss = "half_squared_error"
[[network.layers]]
units = 2
activation = "sigmoid"
weights = [[0.2, -0.4, 0.1], [0.5, 0.3, -0.2]]
biases = [0.1, -0.3]
[[network.layers]]
units = 2
activation = "sigmoid"
weights = [[0.3, -0.5], [0.7, 0.4]]
biases = [0.2, 0.6]
[[examples]]
inputs = [1.0, 2.0, -1.0]
targets = [1.0, 0.0]
[[examples]]
inputs = [0.5, -1.5, 2.0]
targets = [0.0, 1.0]
[training]
learning_rate = 0.5
"""


@pytest.fixture
def run_command(capsys):
    def run(*argv):
        code = main(list(argv))
        out, err = capsys.readouterr()
        return code, out, err

    return run


def sigma(z):
    return 1 / (1 + np.exp(-z))


def by_numpy(row=0, rate=0.5, hidden_slope=lambda a: a * (1 - a), back=lambda W, new: W, square=False):
    """The pass of WIDE with what a person may get wrong as arguments."""
    x = np.array([[1.0, 2.0, -1.0], [0.5, -1.5, 2.0]])[row]
    y = np.array([[1.0, 0.0], [0.0, 1.0]])[row]
    W1, b1 = np.array([[0.2, -0.4, 0.1], [0.5, 0.3, -0.2]]), np.array([0.1, -0.3])
    W2, b2 = np.array([[0.3, -0.5], [0.7, 0.4]]), np.array([0.2, 0.6])
    z1 = W1 @ x + b1
    a1 = sigma(z1)
    z2 = W2 @ a1 + b2
    a2 = sigma(z2)
    dz2 = (a2 - y) * a2 * (1 - a2)
    dW2 = np.outer(dz2, a1)
    new = W2 - rate * dW2
    da1 = back(W2, new).T @ dz2
    dz1 = da1 * hidden_slope(a1)
    dW1 = np.outer(dz1, x)
    return {
        "z1": z1, "a1": a1, "z2": z2, "a2": a2, "L": np.sum((a2 - y) ** 2) / 2, "dz2": dz2, "dW2": dW2, "db2": dz2,
        "da1": da1, "dz1": dz1, "dW1": dW1, "db1": dz1, "W2new": new, "W1new": W1 - rate * dW1,
    }  # fmt: skip


@pytest.fixture(scope="module")
def wide():
    return trace(load(given_source(WIDE, "wide")))


def judged(t, arrays, digits=None, shuffled=True, **options):
    handed = []
    for name, value in arrays.items():
        if digits is None:
            handed.append(Handed(name, np.asarray(value, dtype=float)))
        else:
            text = np.vectorize(lambda number: float(f"{number:.{digits}g}"))(np.asarray(value, dtype=float))
            handed.append(Handed(name, text, digits, 12))
    if shuffled:
        random.Random(1).shuffle(handed)
    found = diagnose(t, handed, **options)
    return found, {verdict.name: verdict for verdict in found.arrays}


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize("digits", [None, 6, 4, 3])
def test_a_right_solution_is_right_in_any_order_and_to_any_digits(wide, digits):
    found, verdicts = judged(wide, by_numpy(), digits)
    assert found.right and found.first_wrong is None
    assert {v.verdict for v in verdicts.values()} == {"right"} and len(verdicts) == 14


@pytest.mark.parametrize("digits", [None, 4])
def test_a_slope_that_is_left_out_is_named_and_what_follows_is_carried(wide, digits):
    found, verdicts = judged(wide, by_numpy(hidden_slope=lambda a: 1), digits)
    assert found.first_wrong.step == "dL/dz1"
    assert [slip.name for slip in verdicts["dz1"].slips][:1] == ["slope-dropped"]
    assert {verdicts[name].verdict for name in ("dW1", "db1", "W1new")} == {"carried"}
    assert {verdicts[name].verdict for name in ("a2", "dW2", "da1")} == {"right"}


def test_the_slip_of_a_step_that_was_not_handed_in_is_at_that_step(wide):
    mine = by_numpy(hidden_slope=lambda a: a)
    found, verdicts = judged(wide, {"dW2": mine["dW2"], "dW1": mine["dW1"], "db1": mine["db1"]})
    assert found.first_wrong.step == "dL/dW1" and verdicts["dW1"].slips[0].at == "dL/dz1"
    assert verdicts["dW1"].slips[0].name == "value-for-slope"
    assert verdicts["db1"].verdict == "carried"


def test_going_back_through_the_updated_weights(wide):
    _, verdicts = judged(wide, by_numpy(back=lambda W, new: new))
    assert verdicts["da1"].slips[0].name == "updated-weight"


def test_weights_that_were_not_turned_in_a_square_layer(wide):
    found, verdicts = judged(wide, by_numpy(back=lambda W, new: W.T))
    assert found.first_wrong.step == "dL/da1" and verdicts["da1"].slips[0].name == "transpose-missing"


def test_another_learning_rate_is_told_with_its_number(wide):
    found, verdicts = judged(wide, by_numpy(rate=0.05))
    assert found.first_wrong.step == "W2'"
    assert verdicts["W2new"].slips[0].name == "another-learning-rate"
    assert "0.05 in place of 0.5" in verdicts["W2new"].slips[0].title


def test_another_row_of_the_data_is_told(wide):
    found, verdicts = judged(wide, {"z1": by_numpy(row=1)["z1"], "a1": by_numpy(row=1)["a1"]})
    assert verdicts["z1"].slips[0].name == "another-row" and "row 2 in place of row 1" in verdicts["z1"].slips[0].title
    assert verdicts["a1"].verdict == "carried"
    assert found.first_wrong.step == "z1"


def test_two_slips_at_once_are_found(wide):
    mine = by_numpy(hidden_slope=lambda a: a, back=lambda W, new: W.T)
    found, verdicts = judged(wide, {"dW2": mine["dW2"], "dW1": mine["dW1"]})
    assert found.first_wrong.step == "dL/dW1" and verdicts["dW1"].verdict == "slip"
    assert set(verdicts["dW1"].slips[0].name.split("+")) == {"value-for-slope", "transpose-missing"}


def test_numbers_that_nothing_explains_are_wrong_and_not_accused(wide):
    mine = by_numpy()
    mine["dW2"] = mine["dW2"] + np.array([[0.013, 0.2], [-0.07, 0.031]])
    found, verdicts = judged(wide, mine)
    assert verdicts["dW2"].verdict == "wrong" and not verdicts["dW2"].slips
    assert verdicts["W2new"].verdict == "right"  # worked out from the right gradient all the same
    assert found.first_wrong.step == "dL/dW2"


def test_one_wrong_cell_is_no_slip_of_the_whole(wide):
    mine = by_numpy()
    mine["dW1"] = mine["dW1"].copy()
    mine["dW1"][0, 0] *= 2
    assert judged(wide, mine)[1]["dW1"].verdict == "wrong"


def test_numbers_that_are_not_finite_are_wrong(wide):
    _, verdicts = judged(wide, {"a1": np.array([np.nan, 0.5]), "z2": np.array([np.inf, -np.inf])})
    assert {v.verdict for v in verdicts.values()} == {"wrong"}


@pytest.mark.parametrize("digits", [3, 4])
@pytest.mark.parametrize("name", ["o-classification", "c-431", "p-deep", "softmax", "batch-mean", "adam"])
def test_rounding_every_line_is_right(name, digits):
    """Each line worked out from the lines as they were written: nothing is wrong, nobody is accused."""
    t = trace(load(catalogue.find(name)))
    from tutor.engine.expressions import Ref, evaluate

    values: dict[str, np.ndarray] = {}

    def look(ref):
        whole = values[ref.symbol.key] if ref.symbol.key in values else np.asarray(t.value(Ref(ref.symbol)))
        whole = whole[ref.example] if ref.example is not None and ref.symbol.per_example else whole
        return whole[(slice(None),) * (whole.ndim - len(ref.index)) + ref.index] if ref.index else whole

    handed = []
    plain = {eq.symbol.id for eq in t.equations if not eq.symbol.per_example}
    for eq in t.equations:
        shape = ((t.examples,) if eq.symbol.per_example else ()) + eq.symbol.shape
        own = np.broadcast_to(np.asarray(evaluate(eq.formula, look), dtype=float), shape)
        values[eq.symbol.key] = np.vectorize(lambda number: float(f"{number:.{digits}g}"))(own)
        if not eq.symbol.per_example or eq.symbol.id not in plain:
            handed.append(Handed(eq.symbol.id, values[eq.symbol.key], digits, 12))
    found = diagnose(t, handed)
    assert found.right, [v for v in found.arrays if v.verdict not in ("right", "rounded")]


@pytest.mark.parametrize("digits", [None, 4])
def test_a_blocked_position_is_no_mistake(digits):
    t = trace(load(catalogue.find("attention")))
    from tutor.engine.expressions import Ref

    arrays = {eq.symbol.id: np.asarray(t.value(Ref(eq.symbol))) for eq in t.equations}
    found, verdicts = judged(t, arrays, digits)
    assert np.any(np.isneginf(arrays["A"])) and found.right, [v for v in verdicts.values() if v.verdict != "right"]
    found, verdicts = judged(t, arrays | {"A": np.where(np.isneginf(arrays["A"]), 0.0, arrays["A"])}, digits)
    assert found.first_wrong.step == "A"


# ---------------------------------------------------------------- names and shapes


@each("spelling", [
    "dL/dW1", "dW1", "dW_1", "W1.grad", "W1_grad", "grad_W1", "gradW1", "dLdW1", "dL_dW1", 'grads["W1"]', "grads.W1",
    "∂L/∂W₁", "DW1", "dJ_dW1", "gradients.W1", "fc1.weight.grad", "grads/fc1.weight",
])  # fmt: skip
def test_what_code_calls_a_gradient(wide, spelling):
    mine = by_numpy()
    other = {"fc2.weight.grad": mine["dW2"]} if "fc" in spelling else {}
    if "/" in spelling and "fc" in spelling:
        pytest.skip("a path with a slash is no name of a module")
    _, verdicts = judged(wide, {spelling: mine["dW1"], **other})
    assert (verdicts[spelling].verdict, verdicts[spelling].step) == ("right", "dL/dW1")


@pytest.mark.parametrize("names", [
    ("layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"),
    ("0.weight", "0.bias", "2.weight", "2.bias"),
    ("hidden.weight", "hidden.bias", "output.weight", "output.bias"),
])  # fmt: skip
@pytest.mark.parametrize("grad", [".grad", ""])
def test_modules_of_a_framework_are_the_layers_in_their_order(wide, names, grad):
    mine = by_numpy()
    arrays = {f"{name}{grad}": mine[key] for name, key in zip(names, ("dW1", "db1", "dW2", "db2"), strict=True)}
    _, verdicts = judged(wide, arrays, shuffled="0" in names[0])  # words have only the file's order
    assert [verdicts[f"{name}{grad}"].step for name in names] == ["dL/dW1", "dL/db1", "dL/dW2", "dL/db2"]
    assert {v.verdict for v in verdicts.values()} == {"right"}


def test_a_name_that_fits_several_values_is_asked_about_not_guessed(wide):
    found, verdicts = judged(wide, {"fc1.weight": 3 * by_numpy()["dW1"], "fc2.weight": 3 * by_numpy()["dW2"]})
    assert verdicts["fc1.weight"].verdict == "unknown" and "W1 or" in verdicts["fc1.weight"].message
    assert not found.order
    found, verdicts = judged(wide, {"fc1.weight": 3 * by_numpy()["dW1"]}, names={"fc1.weight": "dL/dW1"})
    assert verdicts["fc1.weight"].step == "dL/dW1"


def test_layers_that_count_from_0(wide):
    mine = by_numpy()
    _, verdicts = judged(wide, {"dW0": mine["dW1"], "db0": mine["db1"], "dW1": mine["dW2"], "Z1": mine["z2"]})
    assert [verdicts[name].step for name in ("dW0", "db0", "dW1", "Z1")] == ["dL/dW1", "dL/db1", "dL/dW2", "z2"]


def test_in_by_out_matrices_by_their_shape_and_square_ones_with_them(wide):
    mine = by_numpy()
    _, verdicts = judged(wide, {"dW1": mine["dW1"].T, "dW2": mine["dW2"].T})
    assert {v.verdict for v in verdicts.values()} == {"right"}
    assert all("rows for columns" in v.message for v in verdicts.values())
    # The other matrix says that rows are units: a square one the other way round is then a mistake.
    _, verdicts = judged(wide, {"dW1": mine["dW1"], "dW2": mine["dW2"].T})
    assert verdicts["dW2"].verdict == "slip"
    assert judged(wide, {"dW2": mine["dW2"].T})[1]["dW2"].verdict == "right"  # by value, and it is said


def test_columns_for_vectors_and_a_shape_that_it_has_not(wide):
    mine = by_numpy()
    _, verdicts = judged(wide, {"z1": mine["z1"][:, None], "a1": mine["a1"][None, :], "z2": np.zeros(3)})
    assert [verdicts[name].verdict for name in ("z1", "a1", "z2")] == ["right", "right", "shape"]
    assert "z2 is 2, this is 3" in verdicts["z2"].message


def test_unknown_is_never_the_first_wrong(wide):
    found, verdicts = judged(wide, {"qqq": 1.0, "z1": by_numpy()["z1"]})
    assert verdicts["qqq"].verdict == "unknown" and found.first_wrong is None and found.right


def test_a_batch_as_rows_as_columns_and_as_the_share_of_the_mean():
    t = trace(load(catalogue.find("batch-mean")))
    from tutor.engine.expressions import Ref

    z = next(eq.symbol for eq in t.equations if eq.symbol.id == "z1")
    dz = next(eq.symbol for eq in t.equations if eq.symbol.id == "dL/dz1")
    values, gradients = np.asarray(t.value(Ref(z))), np.asarray(t.value(Ref(dz)))
    for given in ({"Z1": values}, {"Z1": values.T}, {"dZ1": gradients}, {"dZ1": gradients.T / t.examples}):
        found, verdicts = judged(t, given)
        assert found.right, verdicts
    assert judged(t, {"Z1": values[1]}, example=1)[0].right
    assert not judged(t, {"Z1": values[1]}, example=0)[0].right


# ---------------------------------------------------------------- files


def pt(arrays, folder="archive", extra=b"", views=None):
    """A file as torch.save writes it, made by hand; `views`: (offset, shape, strides) of those that are parts."""

    class Store:
        def __init__(self, key, size):
            self.key, self.size = key, size

    class Tensor:
        def __init__(self, key, values, view=None):
            self.key, self.values, self.view = key, values, view

    class Pickler(pickle._Pickler):  # the slow one asks for what a class stands for
        def persistent_id(self, obj):
            if isinstance(obj, Store):
                return ("storage", Global("torch", "FloatStorage"), obj.key, "cpu", obj.size)
            return None

        def save(self, obj, save_persistent_id=True):
            if isinstance(obj, Global):
                self.write(b"c" + obj.module.encode() + b"\n" + obj.name.encode() + b"\n")
                return
            if isinstance(obj, Tensor):
                shape = obj.values.shape
                strides = tuple(int(np.prod(shape[at + 1 :])) for at in range(len(shape)))
                self.save(Global("torch._utils", "_rebuild_tensor_v2"))
                view = obj.view or (0, shape, strides)
                self.save((Store(obj.key, obj.values.size), *view, False, Ordered()))
                self.write(pickle.REDUCE)
                return
            if isinstance(obj, Ordered):
                self.save(Global("collections", "OrderedDict"))
                self.write(pickle.EMPTY_TUPLE + pickle.REDUCE)
                return
            super().save(obj, save_persistent_id)

    class Global:
        def __init__(self, module, name):
            self.module, self.name = module, name

    class Ordered:
        pass

    body = io.BytesIO()
    tensors = enumerate(arrays.items())
    Pickler(body, protocol=2).dump(
        {name: Tensor(str(at), value, (views or {}).get(name)) for at, (name, value) in tensors}
    )
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", extra or body.getvalue())
        for at, value in enumerate(arrays.values()):
            archive.writestr(f"{folder}/data/{at}", value.astype("<f4").tobytes())
        archive.writestr(f"{folder}/version", "3\n")
    return whole.getvalue()


def safetensors(arrays):
    header, body = {"__metadata__": {"format": "np"}}, b""
    for name, value in arrays.items():
        raw = value.astype("<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": list(value.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def npz(arrays):
    whole = io.BytesIO()
    np.savez(whole, **arrays)
    return whole.getvalue()


def written(arrays):
    lines = []
    for name, value in arrays.items():
        rows = np.atleast_2d(value)
        lines += [",".join([name if at == 0 else "", *map(repr, map(float, row))]) for at, row in enumerate(rows)]
    return "\n".join(lines).encode()


FORMATS = {
    "a.json": lambda arrays: json.dumps({name: value.tolist() for name, value in arrays.items()}).encode(),
    "a.csv": written,
    "a.tsv": lambda arrays: written(arrays).replace(b",", b"\t"),
    "a.npz": npz,
    "a.safetensors": safetensors,
    "a.pt": pt,
    "a.pth": pt,
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_arrays(name, tmp_path):
    arrays = {"dL/dW1": np.array([[0.5, -0.25, 3.0], [1e-5, 2.0, 0.125]]), "fc1.bias": np.array([0.75, -2.0])}
    path = tmp_path / name
    path.write_bytes(FORMATS[name](arrays))
    for found in (read_arrays(path), read_arrays("-", path.read_bytes()) if name != "a.tsv" else read_arrays(path)):
        assert [array.name for array in found] == list(arrays)
        for array in found:
            np.testing.assert_allclose(array.values, arrays[array.name], rtol=1e-6)


def test_how_finely_numbers_are_written():
    found = read_arrays("a.json", b'{"a": [0.5, 0.1234], "b": 12, "c": [1e-3, 2.50e-3], "d": 0.12345678901234567}')
    assert [(array.digits, array.decimals) for array in found] == [(4, 4), (2, 0), (3, 5), (12, None)]
    (array,) = read_arrays("a.csv", b"W1;0,15;0,20\n;0,25;0,30\n")
    assert array.values.tolist() == [[0.15, 0.2], [0.25, 0.3]] and array.decimals == 2


def test_four_digits_are_judged_at_four_and_six_at_six(wide):
    z = by_numpy()["z1"]
    off = z * (1 + 3e-5)
    assert judged(wide, {"z1": off}, digits=4)[0].right
    assert not judged(wide, {"z1": off}, digits=9)[0].right


class Evil:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize("name, data, says", [
    ("a.json", b"[1, 2]", "no object"),
    ("a.json", b'{"a": [1, [2]]}', "different lengths"),
    ("a.json", b'{"a": "x"}', "no number"),
    ("a.json", b'{"a": 1, "a": 2}', "twice"),
    ("a.json", b'{"b": 0, "a": 1, "a": 2}', "'a' is there twice"),
    ("a.json", b'{"a": ', "line 1, column 7"),
    ("a.json", b'{"a": []}', "no number in it"),
    ("a.json", b"[" * 100_000, "nested too deep"),
    ("a.json", b"\xff\xfa", "no UTF-8"),
    ("a.csv", b"1,2\n", "begins with a number"),
    ("a.csv", b"a,1\n,x\n", "line 2"),
    ("a.npz", b"PK nothing", "archive"),
    ("a.npz", npz({"a": np.array([Evil()], dtype=object)}), "objects, not numbers"),
    ("a.npz", npz({"a": np.array(["x"])}), "no real numbers"),
    ("a.safetensors", b"\xff" * 20, "broken"),
    ("a.safetensors", struct.pack("<Q", 2) + b"[]", "broken"),
    ("a.pt", pt({}, extra=pickle.dumps({"a": Evil()}, protocol=2)), "only tensors"),
    ("a.pt", pt({}, extra=b"garbage"), "broken"),
    ("a.pt", pt({}, extra=pickle.dumps([1], protocol=2)), "no dict"),
    ("a.json", b"  ", "empty"),
    ("a.json", b"{}", "no array"),
])  # fmt: skip
def test_a_bad_file_is_told_and_nothing_in_it_is_run(name, data, says, capsys):
    with pytest.raises(BadFile, match=re.escape(says)):
        read_arrays(name, data)
    assert "run" not in capsys.readouterr().out


def test_a_tensor_that_reaches_past_its_data_is_refused():
    data = pt({"a": np.ones((2, 2))}).replace(b"K\x02K\x02\x86", b"K\x02K\x7f\x86")
    with pytest.raises(BadFile):
        read_arrays("a.pt", data)


NUMBERS = np.arange(12.0)


@pytest.mark.parametrize("view, want", [
    ((0, (3, 4), (4, 1)), NUMBERS.reshape(3, 4)),
    ((0, (4, 3), (1, 4)), NUMBERS.reshape(3, 4).T),  # turned
    ((5, (2, 2), (4, 1)), [[5, 6], [9, 10]]),  # a part
    ((1, (3,), (4,)), [1, 5, 9]),  # a column
    ((11, (), ()), 11),
    ((2, (3, 2), (0, 1)), [[2, 3]] * 3),  # one row again and again
    ((12, (0, 40), (1, 1)), np.zeros((0, 40))),  # nothing of it
])  # fmt: skip
def test_a_tensor_that_is_part_of_another_is_read_where_it_lies(view, want):
    (found,) = read_arrays("a.pt", pt({"a": NUMBERS}, views={"a": view}))
    np.testing.assert_array_equal(found.values, want)


@pytest.mark.parametrize("view", [
    (1, (3, 4), (4, 1)), (12, (), ()), (0, (13,), (1,)), (0, (2,), (-1,)), (-1, (2,), (1,)), (0, (7,), (2,)),
    (0, (2, 2), (1,)), (0, (2.0,), (1,)),
])  # fmt: skip
def test_a_tensor_that_lies_elsewhere_is_refused(view):
    with pytest.raises(BadFile):
        read_arrays("a.pt", pt({"a": NUMBERS}, views={"a": view}))


def test_binary_numbers_are_as_fine_as_their_type():
    kinds = {"f8": 12, "f4": 5, "f2": 2, "i4": 12, "u1": 12, "?": 12}
    found = read_arrays("a.npz", npz({kind: np.array([1, 0]).astype(kind) for kind in kinds}))
    assert {array.name: array.digits for array in found} == kinds
    assert all(array.values.tolist() == [1, 0] and not array.by_hand for array in found)
    assert Handed.of("a", np.array([0.1], dtype="f4")).digits == 5
    assert read_arrays("a.pt", pt({"a": NUMBERS}))[0].digits == 5


def test_of_a_file_of_safetensors_each_array_has_its_own_bytes():
    def file(*entries, body=bytes.fromhex("803f20c0") + struct.pack("<d", 0.1)):  # 1 and −2.5 in bfloat16
        keys = "dtype", "shape", "data_offsets"
        header = {f"a{at}": dict(zip(keys, entry, strict=True)) for at, entry in enumerate(entries)}
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + body

    brain, double = read_arrays("a.safetensors", file(("BF16", [2], [0, 4]), ("F64", [], [4, 12])))
    assert (brain.values.tolist(), brain.digits) == ([1.0, -2.5], 2)
    assert (double.values.tolist(), double.digits) == (0.1, 12)
    for wrong, says in [
        (("F64", [], [5, 13]), "broken"), (("F64", [], [12, 4]), "broken"), (("F64", [], [-8, 0]), "broken"),
        (("F64", [2], [4, 12]), "broken"), (("F8", [8], [4, 12]), "type of number that is not read"),
    ]:  # fmt: skip
        with pytest.raises(BadFile, match=says):
            read_arrays("a.safetensors", file(wrong))
    with pytest.raises(BadFile, match="no array"):
        read_arrays("a.safetensors", file(body=b""))
    with pytest.raises(BadFile, match="broken"):
        read_arrays("a.safetensors", struct.pack("<Q", 3) + b"{}")


def test_numbers_of_three_digits_and_more_are_off_by_half_a_unit_at_most():
    (array,) = read_arrays("a.json", b'{"a": [0.5, 0.123, 12.34, 0.050, 1.00e-2, -700]}')
    assert array.halves.tolist() == [0, 0.0005, 0.005, 0, pytest.approx(5e-5), 0.5]
    assert (array.digits, array.decimals) == (4, 4)
    exact = read_arrays("a.json", b'{"a": 0.123456789012345, "b": 0.12345678901234, "c": 0}')
    assert [(array.digits, array.by_hand) for array in exact] == [(12, False), (14, True), (1, True)]


@pytest.mark.parametrize("text, digits, decimals", [
    ("0.0821", 3, 4), ("12e2", 2, -2), ("−3.50", 3, 2), ("1.5E-3", 2, 4), ("0", 0, 0), ("0.00", 0, 2), ("0e5", 0, 0),
    (f"1e{MOST_DECIMALS + 1}", 1, -MOST_DECIMALS), ("1e999999999", 1, 0),
])  # fmt: skip
def test_how_finely_a_number_is_written(text, digits, decimals):
    assert fineness(text) == (digits, decimals)


def test_a_table_may_have_heads_notes_and_rows_below_a_name():
    text = b"name,value,value\n# by hand, twice\nW1,1,2,,\n,3,4\n\nL,5\n dL/dW1 , 6 , 7\n8,9\n"
    found = {array.name: array.values.tolist() for array in read_arrays("a.csv", text)}
    assert found == {"W1": [[1, 2], [3, 4]], "L": 5, "dL/dW1": [[6, 7], [8, 9]]}
    for wrong, says in [
        ("L,1\na,1_0\n", "'1_0' is no number"), ("W1,o.5\n", "'o.5' is no number"),
        ("a,1\nb,x,2\n", "line 2"), ("a,1\n,2,3\n", "different lengths"),
    ]:  # fmt: skip
        with pytest.raises(BadFile, match=says):
            read_arrays("a.csv", wrong.encode())
    assert read_arrays("a.csv", "a;−1,5;2\n".encode())[0].values.tolist() == [-1.5, 2]
    assert read_arrays("a.csv", b"\na;1,5;2\n# by hand\n")[0].values.tolist() == [1.5, 2]  # the first line tells
    assert [array.name for array in read_arrays("a.csv", b"L,5\nvalue,1\n")] == ["L", "value"]  # heads stand above
    assert read_arrays("a.csv", b"W1,1,2\nW1,3,4\n")[0].values.tolist() == [[1, 2], [3, 4]]  # its name on each row
    with pytest.raises(BadFile, match="line 3: 'a' is there twice"):
        read_arrays("a.csv", b"a,1\nb,2\na,3\n")
    assert read_arrays("a.csv", "a,1\n".encode("utf-16"))[0].values.tolist() == 1
    assert read_arrays("a.csv", b"W1\n,1,2\n,3,4\n")[0].values.tolist() == [[1, 2], [3, 4]]  # a name alone is no head
    assert read_arrays("-", b'{"abc": {"d": 1}}')[0].name == "abc.d"  # not the length of a header


def test_a_file_may_be_as_large_as_is_said_and_no_larger(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": 1, "b": {"c": 2}}')
    monkeypatch.setattr("tutor.solutions.files.MOST", 23)
    monkeypatch.setattr("tutor.solutions.files.MOST_ARRAYS", 2)
    assert [array.name for array in read_arrays(path)] == ["a", "b.c"]
    monkeypatch.setattr("tutor.solutions.files.MOST", 22)
    with pytest.raises(BadFile, match="23 bytes: a file of arrays may have 22"):
        read_arrays(path)
    with pytest.raises(BadFile, match="3 arrays: at most 2"):
        read_arrays("a.json", b'{"a": 1, "b": 2, "c": 3}')
    with pytest.raises(BadFile, match="unpacks to more than 22 bytes"):
        read_arrays("a.npz", npz({"a": NUMBERS}))
    monkeypatch.setattr("tutor.solutions.files.MOST", 128 + 12 * 8)  # a head of NumPy's, and the numbers
    assert len(read_arrays("a.npz", npz({"a": NUMBERS}))) == 1


# ---------------------------------------------------------------- the command, the API, the page


def test_the_command_its_exit_codes_and_its_json(tmp_path, run_command):
    lesson = tmp_path / "wide.toml"
    lesson.write_text(WIDE)
    good, bad, none = tmp_path / "good.npz", tmp_path / "bad.npz", tmp_path / "none.npz"
    good.write_bytes(npz(by_numpy()))
    bad.write_bytes(npz(by_numpy(hidden_slope=lambda a: 1)))
    none.write_bytes(npz({"qqq": np.ones(2)}))
    assert run_command("diagnose", str(lesson), str(good))[0] == 0
    code, out, _ = run_command("diagnose", str(lesson), str(bad), "--format", "json")
    found = json.loads(out)
    assert code == 1 and found["format"] == 1 and found["first_wrong"] == "dL/dz1" and found["iteration"] == 1
    (array,) = [array for array in found["arrays"] if array["name"] == "dz1"]
    assert array["verdict"] == "slip" and array["slips"][0]["name"] == "slope-dropped"
    assert array["slips"][0]["at"] == "dL/dz1" and array["max_difference"] > 0
    code, out, _ = run_command("diagnose", str(lesson), str(bad))
    assert code == 1 and out.startswith("All right up to dL/da1. The first that is wrong is dL/dz1: ")
    assert run_command("diagnose", str(lesson), str(none))[0] == 2
    for wrong in (["nowhere.npz"], [str(good), "--example", "9"], [str(good), "--names", "nowhere.json"]):
        code, _, said = run_command("diagnose", str(lesson), *wrong)
        assert code == 2 and said and "Traceback" not in said


def test_names_of_a_file_reach_no_terminal_as_they_are(tmp_path, run_command):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"\x1b[31mred": 1.0, "z1": [1.0, 2.0]}))
    _, out, _ = run_command("diagnose", "o-classification", str(path))
    assert "\x1b" not in out


def test_from_python_the_message_is_the_diagnosis():
    lesson = tutor.loads(WIDE, "wide")
    assert tutor.diagnose(lesson, by_numpy())
    tutor.assert_right(lesson, by_numpy())
    single = {name: np.asarray(value, dtype=np.float32) for name, value in by_numpy().items()}
    assert tutor.diagnose(lesson, single)
    with pytest.raises(AssertionError, match="The first that is wrong is dL/dz1"):
        tutor.assert_right(lesson, by_numpy(hidden_slope=lambda a: 1))
    with pytest.raises(AssertionError, match="Nothing"):
        tutor.assert_right(lesson, {"qqq": 1.0})
    with pytest.raises(TypeError):
        tutor.diagnose(lesson, {"z1": "no"})
    with pytest.raises(ValueError):
        tutor.diagnose(lesson, {"z1": [1.0, 2.0]}, example=3)


def test_the_book_of_the_page(tmp_path, run_command):
    """The worked example of docs/diagnose.md: its printed numbers are right, and the other order is named."""
    text = DOCS.read_text(encoding="utf-8").split("## A book's numbers")[1]
    book = re.search(r"```toml\n(.*?)```", text, re.S)[1]
    table = re.search(r"```text\n(W2'.*?)```", text, re.S)[1]
    lesson, numbers = tmp_path / "book.toml", tmp_path / "book.csv"
    lesson.write_text(book)
    numbers.write_text(table)
    code, out, said = run_command("diagnose", str(lesson), str(numbers))
    assert code == 0, out + said
    x, y = np.array([0.05, 0.1]), np.array([0.01, 0.99])
    W1, W2 = np.array([[0.15, 0.2], [0.25, 0.3]]), np.array([[0.4, 0.45], [0.5, 0.55]])
    a1 = sigma(W1 @ x + 0.35)
    a2 = sigma(W2 @ a1 + 0.6)
    dz2 = (a2 - y) * a2 * (1 - a2)
    new = W2 - 0.5 * np.outer(dz2, a1)
    late = W1 - 0.5 * np.outer((new.T @ dz2) * a1 * (1 - a1), x)
    numbers.write_text(f"W1',{late[0, 0]:.9f},{late[0, 1]:.9f}\n,{late[1, 0]:.9f},{late[1, 1]:.9f}\n")
    code, out, _ = run_command("diagnose", str(lesson), str(numbers))
    assert code == 1 and "after the update" in out and f"{late[0, 0]:.6f}" in text


def test_a_right_solution_costs_no_search(monkeypatch):
    """Of 300 arrays with one slip, slips are looked for once."""
    from tutor.solutions import searching

    lines = "\n".join('[[network.layers]]\nunits = 3\nactivation = "tanh"' for _ in range(30))
    t = trace(load(given_source(WIDE.split("[[network.layers]]")[0] + lines + """
[[examples]]
inputs = [1.0, 2.0, -1.0]
targets = [1.0, 0.0, 0.5]
[training]
learning_rate = 0.5
""", "deep")))  # fmt: skip
    from tutor.engine.expressions import Ref, evaluate

    values: dict[str, np.ndarray] = {}

    def look(ref):
        return values[ref.symbol.key] if ref.symbol.key in values else np.asarray(t.value(Ref(ref.symbol)))

    for eq in t.equations:
        factor = 0.5 if eq.symbol.id == "dL/dz20" else 1.0
        values[eq.symbol.key] = np.broadcast_to(np.asarray(evaluate(eq.formula, look)) * factor, eq.symbol.shape)
    searches = []
    real = searching.Search.found
    monkeypatch.setattr(
        searching.Search, "found", lambda self, pairs: searches.append(self.eq.symbol.id) or real(self, pairs)
    )
    found = diagnose(t, [Handed(key, value) for key, value in values.items()])
    assert found.first_wrong.step == "dL/dz20" and searches == ["dL/dz20"]


def test_a_finite_number_in_a_blocked_position_is_infinitely_far_off_and_json_says_null():
    t = tutor.circuit("S = causal(A)", "P = softmax(S)", "f = sum(P * A)", inputs={"A": [[1.0, 2.0], [3.0, 4.0]]})
    found = tutor.diagnose(t, {"S": [[1.0, 2.0], [3.0, 4.0]]}).as_dict()
    assert found["arrays"][0]["verdict"] in ("slip", "wrong") and found["arrays"][0]["max_difference"] is None
    json.dumps(found, allow_nan=False)


def test_a_slip_that_a_right_array_speaks_against_was_made_on_the_way_to_one_alone(wide):
    """dW2 with the sign turned: not in dL/dz2 itself, from which db2 follows, rightly."""
    mine = by_numpy()
    _, alone = judged(wide, {"dW2": -mine["dW2"]})
    assert alone["dW2"].slips[0].name == "difference-reversed"
    _, verdicts = judged(wide, {"dW2": -mine["dW2"], "db2": mine["db2"]})
    assert "(on the way to dL/dW2 alone)" in verdicts["dW2"].message and verdicts["db2"].verdict == "right"
    _, both = judged(wide, {"dW2": -mine["dW2"], "db2": -mine["db2"]})
    assert "(at dL/d" in both["dW2"].message and both["db2"].verdict == "carried"


# ---------------------------------------------------------------- a framework's own gradients


def test_gradients_of_a_torch_model_with_a_wrong_backward_are_told_their_slip():
    """`torch_grads.pt` was saved by PyTorch: {name: p.grad}, of a sigmoid whose backward lets the gradient through."""
    file = Path(__file__).parent / "data" / "torch_grads.pt"
    found = diagnose(trace(load(catalogue.find("o-classification"))), read_arrays(file))
    first = found.first_wrong
    assert (first.step, first.verdict, first.slips[0].name, first.slips[0].at) == (
        "dL/dW1", "slip", "slope-dropped", "dL/dz1",
    )  # fmt: skip
    assert [v.verdict for v in found.arrays] == ["slip", "carried", "right", "right"]


NAMES = {"fc1.weight": "W1", "fc1.bias": "b1", "fc2.weight": "W2", "fc2.bias": "b2"}


def _parts(kind):
    here = tutor.load("o-classification").trace()
    return {name: here[kind.format(id)].value for name, id in NAMES.items()}


@pytest.mark.parametrize("kind, slip", [("dL/d{}", "difference-reversed"), ("{}'", None)])
def test_bare_names_of_parameters_mean_in_a_file_what_its_numbers_say(kind, slip):
    here = trace(load(catalogue.find("o-classification")))
    values = _parts(kind)
    right = diagnose(here, [Handed.of(name, value) for name, value in values.items()])
    assert right.right and {v.step for v in right.arrays} == {kind.format(id) for id in NAMES.values()}
    if slip:  # none of them is right: the one slip that explains them says what they are
        wrong = diagnose(here, [Handed.of(name, -value) for name, value in values.items()])
        assert wrong.first_wrong.slips[0].name == slip


def test_bare_names_that_nothing_explains_are_asked_about():
    numbers = np.random.default_rng(5)
    arrays = [Handed.of(name, numbers.normal(size=value.shape)) for name, value in _parts("dL/d{}").items()]
    found = diagnose(trace(load(catalogue.find("o-classification"))), arrays)
    assert {v.verdict for v in found.arrays} == {"unknown"}


@pytest.mark.parametrize("typed", ["1e400", "0e999", "-1e-999", "1e" + "9" * 5000, "0." + "3" * 3000])
def test_numbers_beyond_what_a_float_holds(wide, typed, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(f"L,{typed}\nz1,{typed},0.999\n")
    found = diagnose(wide, read_arrays(path))
    assert {verdict.verdict for verdict in found.arrays} <= {"wrong", "slip", *(["right"] * typed.startswith("0e"))}


def test_a_sentence_that_begins_with_a_sign_keeps_it(wide):
    t = tutor.network([[[0.5, -0.4], [0.3, 0.8]]], [1.0, 2.0], [1, 0], activations="softmax", loss="cross_entropy")
    z = np.array([[0.5, -0.4], [0.3, 0.8]]) @ [1.0, 2.0]
    (one,) = tutor.diagnose(t, {"a1": sigma(z)}).as_dict()["arrays"]
    assert one["message"].startswith("σ was applied instead of softmax")


class Tensor:
    """As far as a framework's array is one: it has a type of its own, and its `tolist` is Python's floats."""

    def __init__(self, values, dtype):
        self.values, self.dtype = np.asarray(values, dtype=np.float32), dtype
        if dtype == "torch.bfloat16":
            self.values = (self.values.view(np.uint32) & 0xFFFF0000).view(np.float32)

    def detach(self):
        return self

    def tolist(self):
        return self.values.tolist()

    def __array__(self, dtype=None, copy=None):
        if self.dtype == "torch.bfloat16":
            raise TypeError("NumPy has no such type")
        return self.values


@pytest.mark.parametrize("dtype", ["torch.float32", "torch.bfloat16"])
def test_a_tensor_is_as_fine_as_its_own_type(dtype):
    lesson = tutor.load("o-classification")
    tensors = {name: Tensor(value, dtype) for name, value in _parts("dL/d{}").items()}
    assert tutor.diagnose(lesson, tensors).right
    assert tutor.diagnose(lesson, {"dW1": Tensor(-_parts("dL/d{}")["fc1.weight"], dtype)}).first_wrong == "dL/dW1"
