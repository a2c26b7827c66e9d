"""The picture of a network and of a circuit: what it shows, what it does not show yet, where one can point."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

from strategies import DEEP, bundled, circuit_lesson, spaced
from tutor.engine.expressions import Ref
from tutor.engine.lesson import Lesson
from tutor.engine.trace import Trace, trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.pictures.canvas import as_text
from tutor.pictures.circuit_picture import CircuitPicture
from tutor.pictures.diagram import Diagram, Item, begin, diagram, move, tell
from tutor.pictures.scene import Known
from tutor.play import playback
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.layout import number

LESSONS = {entry.id: entry.path for entry in catalogue.entries()}
WIDE = """
format = 1
title = "wide"
[network]
inputs = 784
loss = "cross_entropy"
[[network.layers]]
units = 30
activation = "sigmoid"
[[network.layers]]
units = 10
activation = "softmax"
[[examples]]
inputs = [{inputs}]
target = 3
[training]
""".format(inputs=", ".join(str(i % 7 / 10) for i in range(784)))
TALL = """
format = 1
title = "tall"
[circuit]
define = [{lines}]
output = "g60"
[circuit.inputs]
x = 0.9
""".format(lines=", ".join(f'"g{i} = {f"g{i - 1}" if i else "x"} * x"' for i in range(61)))


def lesson(id: str, tmp_path=None) -> Lesson:
    if id in LESSONS:
        return bundled(id)
    path = tmp_path / f"{id}.toml"
    path.write_text({"wide": WIDE, "tall": TALL}[id])
    return load(path)


@pytest.fixture(scope="module")
def traces(tmp_path_factory) -> dict[str, Trace]:
    folder = tmp_path_factory.mktemp("lessons")
    return {id: trace(lesson(id, folder)) for id in (*LESSONS, "wide", "tall")}


def at(t: Trace, id: str, level: str = "scalar", notation: str | None = None):
    """A trace with the learner on a step, reached for the first time: what diagram() takes first."""
    cursor = replace(playback.start(t.lesson), level=level)
    cursor = replace(playback.jump(cursor, t, id), level=level)
    cursor = replace(cursor, notation=notation or cursor.notation)
    return t, Scribe(t, cursor.notation), playback.current(cursor, t), cursor


def test_the_class_of_an_example_has_its_name(tmp_path):
    names = ", ".join(f'"tree{number}"' for number in range(1, 11))
    (tmp_path / "named.toml").write_text(WIDE.replace("units = 10\n", f"units = [{names}]\n"))
    for one, shown in (
        (trace(load(tmp_path / "named.toml")), "class tree3"),
        (trace(lesson("wide", tmp_path)), "class 3"),
    ):
        assert shown in words(diagram(*at(one, "z1"), 160, 48))


def words(drawn: Diagram) -> str:
    return "\n".join(as_text(drawn.picture))


def numbers_in(drawn: Diagram) -> set[str]:
    return set(re.findall(r"−?\d+\.?\d*(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?", words(drawn)))


# ---------------------------------------------------------------- size


SIZES = [(1, 1), (20, 3), (30, 4), (48, 12), (46, 6), (75, 20), (80, 24), (120, 16), (160, 48), (200, 60)]


@pytest.mark.parametrize("id", [*LESSONS, "wide", "tall"])
def test_a_picture_keeps_to_its_size_at_every_step(id, traces):
    t = traces[id]
    for level in ("scalar", "matrix"):
        cursor = replace(playback.start(t.lesson), level=level)
        scribe = Scribe(t, cursor.notation)
        cursors = []
        while cursor:
            cursors.append(cursor)
            by_equation = id == "wide" and level == "scalar"
            cursor = playback.next_equation(cursor, t) if by_equation else playback.forward(cursor, t)
            if id == "wide" and cursor and cursor.at == len(t.equations) - 1:
                break
        for step, at in enumerate(spaced(len(cursors), len(cursors) if DEEP else 20)):
            cursor = cursors[at]
            columns, rows = SIZES[step % len(SIZES)]
            drawn = diagram(t, scribe, playback.current(cursor, t), cursor, columns, rows)
            assert len(drawn.picture) <= rows
            assert all(width(row) <= columns for row in as_text(drawn.picture)), (cursor.at, columns, rows)
            for spot in drawn.spots:
                assert spot.column >= 0 and spot.column + spot.columns <= columns + 1 and spot.row < rows, spot


# ---------------------------------------------------------------- what is known


def test_every_value_and_gradient_of_a_small_network_is_in_its_picture_at_the_end(traces):
    t = traces["o-classification"]
    shown = numbers_in(diagram(*at(t, "b1'", "matrix"), 160, 48))
    for eq in t.equations:
        if eq.phase in ("forward", "loss") or eq.symbol.id in ("dL/dz1", "dL/da1", "dL/dW1", "dL/dW2"):
            for value in np.ravel(t.value(Ref(eq.symbol))):
                assert number(value) in shown, (eq.symbol.id, value)
    for name in ("W1", "W2", "b1", "b2", "x"):
        for value in np.ravel(t.value(Ref(t.program.symbols[name]))):
            assert number(value) in shown, name


@pytest.mark.parametrize("id", ["o-classification", "c-431", "p-deep", "sigmoid-neuron"])
def test_no_value_is_shown_before_its_step(id, traces):
    """Of every number that appears, one step or another up to this one has made it (or the lesson gave it)."""
    t = traces[id]
    given = {k for k in t.program.symbols if k not in t.program.by_key}
    cursor = replace(playback.start(t.lesson), level="scalar")
    scribe = Scribe(t, cursor.notation)
    made = {number(v) for key in given for v in np.ravel(t.value(Ref(t.program.symbols[key])))} | {"1", "0"}
    while cursor:
        step = playback.current(cursor, t)
        made.add(number(step.value))
        for size in ((160, 48), (48, 12)):
            shown = numbers_in(diagram(t, scribe, step, cursor, *size))
            unknown = {number(v) for eq in t.equations[cursor.at :] for v in np.ravel(t.value(Ref(eq.symbol)))} - made
            assert not shown & unknown, (step.id, shown & unknown)
        cursor = playback.forward(cursor, t)


def test_what_is_not_known_yet_is_a_dot_and_lights_up_unit_by_unit(traces):
    t = traces["o-classification"]
    first, second = at(t, "a1[1]"), at(t, "a1[2]")
    value = number(t.find("a1[2]").value)
    assert value not in words(diagram(*first, 160, 48)) and value in words(diagram(*second, 160, 48))
    assert "·" in words(diagram(*first, 120, 30))


def test_going_back_takes_the_blame_back(traces):
    t = traces["p-deep"]
    scribe, cursor = Scribe(t, "nabla"), playback.jump(playback.start(t.lesson), t, "dL/dz1")
    forth = diagram(t, scribe, playback.current(cursor, t), cursor, 160, 48)
    cursor = playback.jump(cursor, t, "dL/dz3")
    back = diagram(t, scribe, playback.current(cursor, t), cursor, 160, 48)
    legend = 1
    arrows = [words(drawn).count("◀") - legend for drawn in (forth, back)]
    assert arrows[0] > arrows[1] == 2  # 3 + 3 units and 2 outputs; at first just the outputs


# ---------------------------------------------------------------- what is lit


def lit_units(drawn: Diagram, names: list[str]) -> list[str]:
    return [name for name in names if f"▶{name}" in words(drawn)]


def test_a_step_lights_the_units_that_it_uses(traces):
    t = traces["p-deep"]
    names = [
        f"{letter}{sub}" for letter, subs in (("x", "₁₂₃"), ("h₁", "₁₂₃"), ("h₂", "₁₂₃"), ("ŷ", "₁₂")) for sub in subs
    ]
    assert lit_units(diagram(*at(t, "z1[2]"), 160, 48), names) == ["x₁", "x₂", "x₃", "h₁₂"]
    assert lit_units(diagram(*at(t, "dL/dW2[3,1]"), 160, 48), names) == ["h₁₁", "h₂₃"]
    assert lit_units(diagram(*at(t, "dL/da2[2]"), 160, 48), names) == ["h₂₂", "ŷ₁", "ŷ₂"]


def test_a_path_lights_its_units_and_edges_alone(traces):
    t = traces["p-deep"]
    path: list[Item] = [
        ("W2", (2, 0)),
        ("z2", (2,)),
        ("a2", (2,)),
        ("W3", (1, 2)),
        ("z3", (1,)),
        ("a3", (1,)),
        ("L", ()),
    ]
    drawn = diagram(*at(t, "dL/dW2[3,1]"), 160, 48, lit=path)
    names = ["x₁", "h₁₁", "h₁₂", "h₁₃", "h₂₁", "h₂₂", "h₂₃", "ŷ₁", "ŷ₂", "L"]
    assert lit_units(drawn, names) == ["h₂₃", "ŷ₂", "L"]
    none = diagram(*at(t, "dL/dW2[3,1]"), 160, 48, lit=[])
    assert "▶x" not in words(none) and "▶h" not in words(none)

    def heavy(drawn: Diagram) -> int:
        return sum(len(text) for row in drawn.picture for text, style in row if style == "lit" and "⠀" < text[0] <= "⣿")

    assert heavy(drawn) > heavy(none) == 0
    one_edge = heavy(diagram(*at(t, "dL/dW2[3,1]"), 160, 48, lit=path[:1]))
    assert 0 < one_edge < heavy(drawn)


def test_an_edge_is_dashed_where_its_weight_is_negative(traces):
    """Colour is not the only cue: the positive one has more dots on the same way."""
    t = traces["o-regression"]
    inks = {"plus": 0, "minus": 0}
    for row in diagram(*at(t, "L"), 120, 30).picture:
        for text, style in row:
            if style[:-1] in inks:
                inks[style[:-1]] += sum((ord(c) - 0x2800).bit_count() for c in text if 0x2800 < ord(c) < 0x2900)
    weights = np.concatenate([np.ravel(t.value(Ref(t.program.symbols[k]))) for k in ("W1", "W2")])
    assert inks["minus"] / (weights < 0).sum() < 0.75 * inks["plus"] / (weights > 0).sum()


# ---------------------------------------------------------------- large layers


def test_a_large_layer_says_how_many_units_are_left_out_and_shows_the_one_of_the_step(traces):
    t = traces["wide"]
    for size in ((48, 12), (80, 24), (160, 48)):
        drawn = diagram(*at(t, "dL/dW1[17,400]", "scalar"), *size)
        text, units = words(drawn), {spot.item for spot in drawn.spots}
        assert {("x", (0,)), ("x", (399,)), ("x", (783,)), ("a1", (16,)), ("a1", (29,))} <= units, size
        shown = sum(1 for id, _ in units if id == "x")
        said = [int(n.replace(",", "")) for n in re.findall(r"⋮ ([\d,]+)", text)]
        hidden = sum(1 for id, _ in units if id == "a1")
        assert sum(said) == (784 - shown) + (30 - hidden), size


def test_layers_that_do_not_fit_are_counted_and_come_into_view(traces):
    t = traces["p-deep"]
    first, last = diagram(*at(t, "z1"), 48, 12), diagram(*at(t, "dL/da2"), 48, 12)
    assert "1 more ▶" in words(first) and "input" in words(first)
    assert "◀1" in words(last) and "output" in words(last)


def test_a_circuit_deeper_than_the_screen_shows_the_gates_round_the_step(traces):
    t = traces["tall"]
    drawn = diagram(*at(t, "g30"), 100, 20)
    assert ("g30", ()) in {spot.item for spot in drawn.spots} and " more ▶" in words(drawn) and "◀ " in words(drawn)


# ---------------------------------------------------------------- pointing


@pytest.mark.parametrize("id", ["o-classification", "p-deep", "gates", "sigmoid-neuron"])
@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
def test_a_spot_is_where_its_name_stands_and_leads_to_a_step_about_it(id, size, traces):
    t = traces[id]
    for step in ("L", "dL/dW1") if t.lesson.network else ("f", "df/dx", "df/dx1"):
        if step not in t.program.by_key:
            continue
        t, scribe, here, cursor = at(t, step)
        drawn = diagram(t, scribe, here, cursor, *size)
        text = as_text(drawn.picture)
        for spot in drawn.spots:
            symbol = scribe.symbols[spot.item[0]]
            name = scribe.writer.text(Ref(symbol, spot.item[1] or None))
            cells = "\n".join(
                row[spot.column : spot.column + spot.columns] for row in text[spot.row : spot.row + spot.rows]
            )
            if spot.item[0][:1] != "W":
                assert name in cells, (spot, cells)
            assert drawn.at(spot.column, spot.row) is not None
            assert spot.id is not None
            found = t.find(spot.id)
            touched = {ref.symbol.id for ref in (found.ref, *found.operands)} | {
                getattr(found.equation.symbol.wrt, "id", "")
            }
            assert spot.item[0] in touched or spot.item[0].replace("a", "z") in touched, spot


def test_the_arrows_walk_from_unit_to_edge_to_unit_and_reach_everything(traces):
    t = traces["o-classification"]
    drawn = diagram(*at(t, "z1"), 120, 30)

    def walk(item: Item, *ways: tuple[int, int]) -> Item:
        for down, right in ways:
            item = move(t, drawn, item, down, right)
        return item

    right, left, down = (0, 1), (0, -1), (1, 0)
    assert walk(("x", (1,)), right) == ("W1", (0, 1))
    assert walk(("x", (1,)), right, down, right) == ("a1", (1,))
    assert walk(("x", (0,)), right, right, right, right, right) == ("L", ())
    assert walk(("L", ()), left, left, left, left, left) == ("x", (0,))
    seen, queue = set(), [("x", (0,))]
    while queue:
        item = queue.pop()
        if item not in seen:
            seen.add(item)
            queue += [walk(item, way) for way in (right, left, down, (-1, 0))]
    assert len(seen) == 2 + 2 + 1 + 4 + 2 + 1


def test_in_a_circuit_the_arrows_go_to_the_nearest_gate_and_reach_every_one(traces):
    t = traces["sigmoid-neuron"]
    drawn = diagram(*at(t, "p1"), 160, 40)
    seen, queue = set(), [begin(t, t.find("p1"))]
    while queue:
        item = queue.pop()
        if item not in seen:
            seen.add(item)
            queue += [move(t, drawn, item, *way) for way in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    assert seen == {spot.item for spot in drawn.spots}


def test_a_selected_weight_shows_its_numbers_below_and_in_the_picture(traces):
    t = traces["c-431"]
    drawn = diagram(*at(t, "dL/dW1[2,3]"), 100, 30, selected=("W1", (1, 2)))
    foot = as_text(drawn.picture)[-1]
    assert number(t.value(Ref(t.program.symbols["W1"], (1, 2)))) in foot
    assert number(t.find("dL/dW1[2,3]").value) in foot
    assert ("W1", (1, 2)) in {spot.item for spot in drawn.spots}


# ---------------------------------------------------------------- in words


def test_the_words_say_what_is_known_and_nothing_else(traces):
    t = traces["o-classification"]
    early = "\n".join(tell(*at(t, "z1[1]")))
    assert number(t.find("z1[1]").value) in early
    assert number(t.find("z1[2]").value) not in early.split("layer 1")[1] and "= ·" in early
    late = "\n".join(tell(*at(t, "b1'")))
    for id in ("a1[1]", "a1[2]", "a2[1]", "L", "dL/dz1[1]", "dL/dz1[2]", "dL/dW1[2,1]"):
        assert number(t.find(id).value) in late, id
    assert late.splitlines()[0] == "input: 2 units"
    circuit = tell(*at(traces["gates"], "df/dx"))
    assert "> q = 3   ∂f/∂q = −4 (x + y)" in circuit


def test_numbers_that_are_none_do_not_break_the_picture(traces):
    t = traces["o-classification"]
    values = {key: np.full_like(np.asarray(v, dtype=float), np.nan) for key, v in t.iteration.values.items()}
    values["W1"] = np.array([[np.inf, -np.inf], [np.nan, 1e300]])
    broken = Trace(t.lesson, replace(t.iteration, values=values))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = diagram(*at(broken, "b1'", "matrix"), 120, 30)
    assert "?" in words(drawn) and "∞" in words(drawn)


@pytest.mark.parametrize("lesson", ["o-classification", "o-regression"])
def test_at_160_columns_the_names_in_the_boxes_are_whole(lesson):
    """z_prev₁ is no z_…: where there is room the boxes are as broad as their longest name wants."""
    drawn = words(diagram(*at(trace(load(LESSONS[lesson])), "dL/dz1", "matrix"), 160, 40))
    assert "z_prev₁" in drawn and "z_…" not in drawn and "∂…" not in drawn


def test_a_gate_shows_what_its_constant_does():
    """x² and x³, 1 − x and x − 1, max(x, 2) and max(x, 3) are told apart."""
    lines = {"x ** 2": "^2", "x ** 3": "^3", "x ** -1": "^−1", "x ** 0.5": "^0.5", "2 ** x": "2^", "x ** y": "^",
             "1 - x": "1−", "x - 1": "−1", "2 * x": "×2", "x * 2": "×2", "x / 2": "÷2", "2 / x": "2÷", "x - y": "−",
             "max(x, 2)": "max 2", "min(3, x)": "min 3", "max(x, y)": "max", "-x": "−()"}  # fmt: skip
    for line, sign in lines.items():
        found = trace(circuit_lesson([f"g = {line}", "f = g + x * y"], x=4, y=2))
        known = Known(found, Scribe(found, "dz"), found.find("g"), playback.Cursor(0, "scalar", "dz", 1))
        picture = CircuitPicture(known, 80, 20, None, None)
        assert picture.signs["g"] == sign, line


def test_no_name_is_cut_where_a_letter_says_it():
    """z_prev₁ is z and ∂O₁₁ is ∂ in a box of eleven columns: half a name says less than a letter."""
    t = trace(bundled("o-classification"))
    drawn = "\n".join(as_text(diagram(*at(t, "dL/dz1[1]", notation="partials"), 80, 20).picture))
    assert "z     0.38" in drawn and "z  −0.1485" in drawn and "…" not in drawn
