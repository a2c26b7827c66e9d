"""Pictures in cells: the dots of lines, text over them, plots, bars and fields; and the same in ASCII."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from effort import effort
from tutor.pictures.canvas import Canvas, as_text
from tutor.pictures.plot import Curve, Mark, Segment, bars, field_look, heat, log_ticks, plot, round_ticks
from tutor.text.cells import width
from tutor.text.layout import number

# Unicode's table for braille patterns: the bit of dot (row, column).
DOTS = {(0, 0): 0x01, (1, 0): 0x02, (2, 0): 0x04, (0, 1): 0x08, (1, 1): 0x10, (2, 1): 0x20, (3, 0): 0x40, (3, 1): 0x80}


def dots(canvas: Canvas) -> set[tuple[int, int]]:
    """The (x, y) of every dot of a picture, read back from its characters."""
    found = set()
    for row, text in enumerate(as_text(canvas.picture())):
        for column, char in enumerate(text):
            code = ord(char) - 0x2800 if 0x2800 <= ord(char) < 0x2900 else 0
            found |= {(column * 2 + x, row * 4 + y) for (y, x), bit in DOTS.items() if code & bit}
    return found


def near(x0, y0, x1, y1, x, y) -> float:
    """The distance of a point from a line's segment."""
    length = math.hypot(x1 - x0, y1 - y0)
    share = 0 if length == 0 else max(0, min(1, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length**2))
    return math.hypot(x - x0 - share * (x1 - x0), y - y0 - share * (y1 - y0))


ENDS = st.floats(-60, 120).map(lambda v: round(v, 1))


@settings(max_examples=60, deadline=None)
@given(ENDS, ENDS, ENDS, ENDS)
@example(0.0, 0.0, 2.5, 2.5)  # as many steps as dots, and a half
def test_a_line_is_the_dots_near_it_and_has_no_holes(x0, y0, x1, y1):
    canvas = Canvas(20, 8)  # 40 × 32 dots
    canvas.line(x0, y0, x1, y1)
    drawn = dots(canvas)
    for x in range(40):
        for y in range(32):
            far = near(x0, y0, x1, y1, x, y)
            assert (x, y) not in drawn or far <= 1.0, (x, y)
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    for at in np.linspace(0, 1, int(4 * steps)):  # no point of the line within the canvas is far from a dot
        x, y = x0 + at * (x1 - x0), y0 + at * (y1 - y0)
        if 1 <= x <= 38 and 1 <= y <= 30:
            assert any(math.hypot(x - a, y - b) <= 1.2 for a, b in drawn), (x, y)


def test_a_thick_line_is_three_dots_a_dashed_one_has_gaps_of_its_own_length():
    canvas = Canvas(20, 4)
    canvas.line(0, 8, 39, 8, "lit", thick=3)
    assert dots(canvas) == {(x, y) for x in range(40) for y in (7, 8, 9)}
    canvas = Canvas(20, 4)
    canvas.line(0, 8, 39, 8, "minus1", dash=(4, 3))
    assert dots(canvas) == {(x, 8) for x in range(40) if x % 7 < 4}


def test_lines_that_cross_keep_the_dots_of_both_and_show_the_stronger_style():
    canvas = Canvas(10, 3)
    canvas.line(0, 5, 19, 5, "lit")
    canvas.line(10, 0, 10, 11, "plus1")
    assert dots(canvas) == {(x, 5) for x in range(20)} | {(10, y) for y in range(12)}
    middle = canvas.picture()[1]
    assert [(text, style) for text, style in middle] == [(middle[0][0], "lit")]
    assert [style for text, style in canvas.picture()[0] if text.strip()] == ["plus1"]


def test_what_is_not_finite_or_outside_is_left_out():
    canvas = Canvas(4, 2)
    canvas.segments([0, np.nan, 0, -1e9], [0, 0, np.inf, 3], [np.inf, 7, 7, -1e9], [7, 7, 7, 5], "lit")
    assert not dots(canvas)
    canvas.line(-1e9, 3, 1e9, 3)
    assert dots(canvas) == {(x, 3) for x in range(8)}
    assert Canvas(0, 3).picture() == () == Canvas(3, 0).picture()


def test_text_is_laid_over_lines_that_stop_before_it():
    canvas = Canvas(12, 1)
    canvas.line(0, 1, 23, 1)
    canvas.text(4, 0, "x̂₁ 5", "value", gap=1)
    (text,) = as_text(canvas.picture())
    assert text == "⠒⠒⠒ x̂₁ 5 ⠒⠒⠒"
    assert width(text) == 12
    assert ("x̂₁ 5", "value") in canvas.picture()[0]


def test_wide_characters_take_two_cells_and_are_never_halved():
    canvas = Canvas(5, 1)
    canvas.text(0, 0, "数 数数")
    (text,) = as_text(canvas.picture())
    assert text == "数 数" and width(text) == 5
    canvas = Canvas(4, 1)
    canvas.text(0, 0, "a 数")
    canvas.text(0, 0, "bc")
    assert as_text(canvas.picture()) == ["bc数"]


def test_a_copy_leaves_the_first_canvas_alone():
    first = Canvas(4, 1)
    first.line(0, 0, 7, 0)
    before = first.picture()
    second = first.copy()
    second.text(0, 0, "new")
    second.line(0, 3, 7, 3, "lit")
    assert first.picture() == before != second.picture()


# ---------------------------------------------------------------- plots


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.03, 0.31, 3, [0.1, 0.2, 0.3]),
        (-4, 4, 4, [-4, -2, 0, 2, 4]),
        (980, 1020, 4, [980, 990, 1000, 1010, 1020]),
        (1e-9, 5e-9, 4, [1e-9, 2e-9, 3e-9, 4e-9, 5e-9]),
        (3, 3, 4, [3]),
    ],
)  # fmt: skip
def test_ticks_are_round(low, high, most, ticks):
    assert round_ticks(low, high, most) == pytest.approx(ticks, rel=1e-12)
    assert all(len(number(tick)) <= 7 for tick in round_ticks(low, high, most))


def test_logarithmic_ticks_are_powers_of_ten_and_few():
    assert log_ticks(1e-3, 1e3, 10) == pytest.approx([10.0**p for p in range(-3, 4)])
    assert log_ticks(1e-12, 1, 4) == pytest.approx([1e-12, 1e-8, 1e-4, 1])
    assert log_ticks(1, 100, 9) == pytest.approx([1, 2, 5, 10, 20, 50, 100])


def curve_cells(picture) -> dict[int, list[int]]:
    """For each column of cells the rows that have dots."""
    found: dict[int, list[int]] = {}
    for row, text in enumerate(as_text(picture)):
        for column, char in enumerate(text):
            if 0x2800 < ord(char) < 0x2900:
                found.setdefault(column, []).append(row)
    return found


def test_a_curve_goes_where_its_values_are():
    xs = np.linspace(0, 10, 200)
    picture = plot([Curve(xs, xs)], columns=44, rows=14, y_range=(0, 10))
    text = as_text(picture)
    left = text[0].index("┤") + 1 if "┤" in text[0] else text[1].index("│") + 1
    cells = curve_cells(picture)
    assert min(cells) == left and max(cells) == 43
    for column, rows in cells.items():  # y = x: from the bottom left to the top right
        expected = 11 - (column - left + 0.5) / (44 - left) * 12
        assert abs(np.mean(rows) - expected) <= 1, column
    assert text[-1].split() == ["0", "2", "4", "6", "8", "10"] or text[-1].split()[0] == "0"


def test_many_points_look_as_all_of_them_would():
    rng = np.random.default_rng(1)
    ys = np.cumsum(rng.normal(size=5000))
    xs = np.arange(5000)
    limits = (float(ys.min()), float(ys.max()))
    many = curve_cells(plot([Curve(xs, ys)], columns=70, rows=20, y_range=limits))
    left = min(many)
    rows = {column: set() for column in many}
    for x, y in zip(xs, ys, strict=True):  # where each point by itself belongs
        column = left + int(round(x / 4999 * ((70 - left) * 2 - 1)) // 2)
        rows[column].add(int(round((1 - (y - limits[0]) / (limits[1] - limits[0])) * 71) // 4))
    for column, expected in rows.items():
        assert expected <= set(many[column]), column


def test_what_is_not_finite_is_a_gap():
    ys = np.ones(300)
    ys[100:200] = [np.nan, np.inf] * 50
    cells = curve_cells(plot([Curve(np.arange(300), ys)], columns=64, rows=8))
    columns = sorted(cells)
    gaps = [b - a for a, b in pairwise(columns) if b - a > 1]
    assert len(gaps) == 1 and 17 <= gaps[0] <= 23


def test_curves_are_told_apart_without_colour_and_named():
    xs = np.linspace(0, 1, 50)
    picture = plot([Curve(xs, xs, "up"), Curve(xs, 1 - xs, "down")], columns=60, rows=12)
    text = as_text(picture)
    assert "─── up" in text[0] and "╌╌╌ down" in text[0]
    first, second = (
        sum(len(text) for row in picture[1:] for text, style in row if style == name) for name in ("curve1", "curve2")
    )
    assert first > second > 0  # the second one has gaps


def test_two_labels_never_read_as_one():
    """As in 'predicted 5.500x = 10', which stood under a slope."""
    for gap in range(1, 40):
        marks = [Mark(0.0, 0.5, label="predicted 5.5"), Mark(gap / 40, 0.5, label="x = 10")]
        drawn = plot([], marks, 60, 5, x_range=(-1.0, 2.0), y_range=(0.0, 1.0))
        rows = ["".join(text for text, _ in row) for row in drawn]
        for row in rows:
            for word in ("predicted 5.5", "x = 10"):
                at = row.find(word)
                assert at < 0 or not (row[at - 1 : at] + row[at + len(word) :][:1]).strip(" │●"), (gap, row)
        text = "\n".join(rows)  # both are there and whole: no sign stands on a letter
        assert text.count("●") == 1 + (gap > 1) and "predicted 5.5" in text and "x = 10" in text, text


def test_marks_stand_at_their_place_with_a_label_that_covers_no_other():
    marks = [Mark(0.5, 0.5, "●", "lit", "here"), Mark(0.52, 0.5, "▲", "lit", "there"), Mark(5, 5, "✕")]
    text = as_text(plot([Curve([0, 1], [0, 1])], marks, 50, 15, x_range=(0, 1), y_range=(0, 1)))
    rows = [row for row in text if "●" in row]
    assert len(rows) == 1 and "▲" in rows[0] and rows[0].index("●") < rows[0].index("▲")
    assert "here" in "\n".join(text) and "there" in "\n".join(text) and "✕" not in "\n".join(text)


def test_an_arrow_ends_where_it_points_and_a_tangent_does_not_stretch_the_axes():
    curve = Curve([0, 1], [0, 1])
    text = as_text(plot([curve], columns=40, rows=12, segments=[Segment(0.9, 0.9, 0.2, 0.9, arrow=True)]))
    (row,) = [row for row in text if "◀" in row]
    assert row.index("◀") < 20
    far = Segment(-100, -100, 100, 100, stretch=False)
    assert as_text(plot([curve], columns=40, rows=12, segments=[far]))[-1].split()[-1] == "1"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=12),
    st.integers(0, 90), st.integers(0, 30), st.booleans(), st.booleans(),
)  # fmt: skip
def test_any_values_fit_in_any_size(values, columns, rows, log_x, log_y):
    xs = list(range(len(values)))
    curves = [Curve(xs, values, "a"), Curve(values, xs, "b")]
    marks = [Mark(v, v, label="label") for v in values]
    pictures = [
        plot(
            curves,
            marks,
            columns,
            rows,
            "x",
            "y",
            log_x,
            log_y,
            segments=[Segment(0, 0, v, v, arrow=True) for v in values],
        ),
        bars([(f"layer {v}", v) for v in values], columns, log_y, rows=rows),
    ]
    for picture in pictures:
        assert len(picture) <= rows
        assert all(width(row) <= columns for row in as_text(picture))


def test_bars_are_as_long_as_their_values():
    text = as_text(bars([("a", 4.0), ("b", 2.0), ("c", -1.0), ("d", 0.0), ("e", math.inf)], 60))
    full, half, minus, none, infinite = (row.split(" ", 1)[1] for row in text)
    assert full.count("█") == 2 * half.count("█") > 20 and abs(minus.count("▒") * 4 - full.count("█")) <= 4
    assert "−1" in minus and not set("█▒") & set(none) and "∞" in infinite
    tiny = as_text(bars([("a", 1.0), ("b", 1e-4), ("c", 1e-8)], 60, log=True))
    lengths = [row.count("█") for row in tiny]
    assert lengths[0] > lengths[1] > lengths[2] >= 0 and abs(lengths[0] - 2 * lengths[1]) <= 3
    many = as_text(bars([(str(n), n) for n in range(20)], 30, rows=5))
    assert len(many) == 5 and "16 more" in many[3] and many[4].startswith("19")


def test_a_field_shows_each_class_by_a_sign_of_its_own_the_right_way_up():
    ys, xs = np.mgrid[0:20, 0:40]
    picture = heat((ys >= 10).astype(int) + (xs >= 20), [Mark(0.1, 0.9, "■")], 50, 16, names=("low", "mid", "high"))
    text = as_text(picture)
    glyphs = [field_look(kind)[0] for kind in range(3)]
    assert len(set(glyphs)) == 3
    top, bottom = text[2][6:], text[12][6:]
    assert glyphs[1] in top and glyphs[2] in top and glyphs[0] not in top
    assert glyphs[0] in bottom and glyphs[1] in bottom and glyphs[2] not in bottom
    assert "■" in "".join(text[1:5]) and "low" in text[0] and "high" in text[0]
    blank = as_text(heat(np.full((4, 4), np.nan), columns=30, rows=8))
    assert not set("".join(blank)) & set(glyphs)
    small, large = (effort(lambda wide=wide: heat((ys > xs).astype(int), (), wide, 40)) for wide in (40, 160))
    assert large - small < 120 * 10, (small, large)  # by columns: none for each of 120 × 35 cells more
