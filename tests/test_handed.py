"""Arrays as they are handed in: what each branch of reading them gives, value by value, by hand."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest

from each import each
from tutor.solutions import files
from tutor.solutions.files import BadFile, Handed, fineness, read_arrays

NAN = float("nan")


def only(data: str | bytes, path: str = "-") -> Handed:
    (found,) = read_arrays(path, data.encode() if isinstance(data, str) else data)
    return found


def safe(**arrays: list[float]) -> bytes:
    """A file of safetensors, of float64."""
    head, body = {}, b""
    for name, values in arrays.items():
        part = np.array(values, dtype="<f8").tobytes()
        head[name] = {"dtype": "F64", "shape": [len(values)], "data_offsets": [len(body), len(body) + len(part)]}
        body += part
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + body


def saved(**arrays: list[float]) -> bytes:
    """A file of NumPy's."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@each(
    "text, digits, decimals",
    [("0.0821", 3, 4), ("12e2", 2, -2), ("-0.50", 2, 2), ("+1.0", 2, 1), ("−3.10", 3, 2), ("0", 0, 0), ("0.00", 0, 2),
     ("0e5", 0, 0), ("1e-5", 1, 5), ("12.5E1", 3, 0), (" 7 ", 1, 0), ("1e400", 1, -300), ("1e-400", 1, 400),
     ("1e99999999", 1, -300), ("1e999999999", 1, 0), ("1e-99999999", 1, 0), ("1e-9999999", 1, 9_999_999)],
)  # fmt: skip
def test_how_finely_a_number_is_written(text, digits, decimals):
    assert fineness(text) == (digits, decimals), text


def test_an_array_is_as_fine_as_its_finest_number():
    found = only('{"a": [0.5, 0.125, 12.34, 300.0, 0]}')
    assert (found.name, found.digits, found.decimals, found.missing, found.scale) == ("a", 4, 3, None, 1.0)
    assert found.values.tolist() == [0.5, 0.125, 12.34, 300, 0] and found.by_hand
    np.testing.assert_allclose(found.halves, [0, 0.0005, 0.005, 0.05, 0], rtol=1e-12)  # of two digits: not known
    assert only("a,1.5,_\n").decimals == 1
    assert only('{"a": 0}').digits == 1 and only('{"a": 0}').values.shape == ()
    fine, exact = only('{"a": 0.12345678901234}'), only('{"a": 0.123456789012345}')
    assert (fine.digits, fine.by_hand) == (14, True)
    assert (exact.digits, exact.decimals, exact.halves, exact.by_hand) == (12, None, None, False)
    blank = only("a,0.123456789012345,_\n")
    assert blank.missing.tolist() == [False, True] and not blank.by_hand


def test_blanks_are_filled_in_and_counted_cell_by_cell():
    found = only("a,1.5,_\n,,2.5\n")
    assert found.missing.tolist() == [[False, True], [True, False]] and found.by_cell() is found
    assert found.over(np.array([[7.0, 8], [9, 10]])).tolist() == [[1.5, 8], [9, 2.5]]
    whole = only("a,1.5,2.5\n")
    assert whole.missing is None and whole.over(np.zeros(2)) is whole.values
    assert Handed("a", np.array([1, NAN])).by_cell().missing.tolist() == [False, True]
    assert only('{"a": [1, null, NaN]}').missing is None  # no blanks: they were handed in


def test_what_is_laid_another_way_or_scaled_takes_its_fineness_along():
    found = only("a,1.125,_\n,2.50,3.5\n")
    turned = found.laid(np.transpose)
    assert turned.missing.tolist() == [[False, False], [True, False]] and turned.values[0].tolist() == [1.125, 2.5]
    np.testing.assert_allclose(turned.halves, [[0.0005, 0.005], [0, 0]])
    twice = found.times(2).times(3)
    assert (twice.scale, twice.values[1].tolist()) == (6, [15, 21])
    np.testing.assert_allclose(twice.halves, [[0.003, 0], [0.03, 0]])
    assert found.times(1) is found
    plain = Handed.of("a", np.array([1, 2], dtype=np.float32))
    assert (plain.digits, plain.halves, plain.times(2).halves, plain.laid(np.flip).halves) == (5, None, None, None)
    assert plain.laid(np.flip).missing is None and plain.values.dtype == float


@each(
    "data",
    [b'{"a": [1.5, 2]}', b'\xef\xbb\xbf  {"a": [1.5, 2]}', '{"a": [1.5, 2]}'.encode("utf-16"), b"a,1.5,2\n",
     b"\n a,1.5,2,,\n", b"a\t1.5\t2\n", b"a;1,5;2\n", b'a,"1,5",2\n', b"a\r1.5,2\r", safe(a=[1.5, 2]),
     b"a;1,5;2\n# by hand\n", saved(a=[1.5, 2])],
)  # fmt: skip
def test_a_file_without_a_name_is_known_by_how_it_begins(data):
    found = only(data)
    assert found.name == "a" and found.values.tolist() == [1.5, 2], data


def test_endings_tell_what_a_file_is():
    assert only(b"[x],1\n", "m.csv").name == "[x]"
    assert only(b"\x02" + bytes(7) + b"x,1\n").values == 1, "a size where that of safetensors would be"
    assert only('{"abcd":{"e":1}}').name == "abcd.e", "a brace where that of safetensors would be"
    for path, data in (
        ("m.JSON", b'{"a": 1}'),
        ("m.tsv", b"a\t1\n"),
        ("m.csv", b"a,1\n"),
        ("m.safetensors", safe(a=[1])),
    ):
        assert only(data, path).values.ravel().tolist() == [1], path
    (inner, other) = read_arrays("-", b'{"layer": {"W": [[1, 2]], "b": 3}}')
    assert (inner.name, inner.values.tolist(), other.name) == ("layer.W", [[1, 2]], "layer.b")


@each(
    "data, says",
    [
        (b"  \n", "is empty"),
        (b"{}", "has no array in it"),
        (b"# nothing\n", "a line of a table is dL/dW1,0.1,0.2"),
        (b"\x93NUMPY\x01", "np.savez"),
        (b"a,\xff\n", "byte 3 is no UTF-8"),
        (b'{"b": 1, "a": 2, "a": 3}', "'a' is there twice"),
        (b'{"a": }', "line 1, column 7"),
        (b"[1, 2]", "it is no object"),
        (b'{"a": [[1, 2], [3]]}', "different lengths"),
        (b'{"a": []}', "'a' has no number in it"),
        (b'{"a": ["x"]}', "'x' is no number"),
        (b'{"a": true}', "'True' is no number"),
        (b'{"a": ' + b"[" * 9999 + b"]" * 9999 + b"}", "nested too deep"),
        (b"a,1\nb,2\na,3\n", "line 3: 'a' is there twice"),
        (b"1,2\na,3\n", "line 1: it begins with a number"),
        (b",2\n", "line 1: it begins with a number"),
        (b"a,1,x\n", "line 1: 'x' is no number"),
        (b"a,1,# two\n", "'# two' is no number"),
        (b"a,1_0\n", "'1_0' is no number"),
        (b'a,"1,234"\n', "'1,234' may be 1.234 or 1234"),
        (b'a,"-12,345"\n', "-12345"),
        (b'"a,b","1,234",5\n', "'1,234' may be 1.234 or 1234"),
    ],
)
def test_what_cannot_be_read_is_told(data, says):
    with pytest.raises(BadFile) as error:
        read_arrays("-", data)
    assert says in str(error.value) and str(error.value).startswith("'-'"), str(error.value)


def test_a_table_as_people_type_it():
    text = "name,1st,2nd\nW1, 1 , 2,\n,3,4\n5,6\n\n# by hand, 1\nW1,7,8\nb1,−0.5\nleft,_,\n"
    found = {array.name: array.values.tolist() for array in read_arrays("-", text.encode())}
    assert found == {"W1": [[1, 2], [3, 4], [5, 6], [7, 8]], "b1": -0.5}  # nothing of what is blank throughout
    assert only("Value;1\nValue;2\n").values.tolist() == 2, "the heads of columns"
    assert only("value\n1,2\n").name == "value", "a name alone is no head"
    assert [array.name for array in read_arrays("-", b"W1,1\nstep,2\n")] == ["W1", "step"], "below the first line"
    assert only('a,"0,123"\n').values == 0.123 and only('a;"1,234"\n').values == 1.234


def test_a_file_may_be_only_so_large(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("a,1\nb,2\n")
    monkeypatch.setattr(files, "MOST", 8)
    assert len(read_arrays(path)) == 2
    many = {str(number): 1 for number in range(10_001)}
    with pytest.raises(BadFile, match="has 10,001 arrays: at most 10,000"):
        read_arrays("-", json.dumps(many).encode())
    del many["0"]
    assert len(read_arrays("-", json.dumps(many).encode())) == 10_000
    monkeypatch.setattr(files, "MOST", 7)
    with pytest.raises(BadFile, match=r"has 8 bytes: a file of arrays may have 7"):
        read_arrays(path)
