"""Papers and exams: the table, the calculator, marks, keeping, files, the commands. The numbers typed are NumPy's."""

from __future__ import annotations

import json
import os
import random
import signal

import numpy as np
import pytest

from strategies import bundled
from test_diagnose import WIDE, by_numpy
from tutor.cli.commands import main
from tutor.cli.line_paper import PaperLines
from tutor.engine.expressions import Ref, evaluate
from tutor.engine.trace import NoSuchStep, trace
from tutor.learner import progress
from tutor.learner.papers import open_paper, start_exam
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.lessonfiles.positions import given_source
from tutor.play import exam as exams
from tutor.play.exam import Exam
from tutor.play.paper import Paper, Sheet
from tutor.play.settings import Refused
from tutor.questions.tokens import NotUnderstood

KINDS = ("gates", "o-classification", "softmax", "batch-mean", "adam", "recurrence", "attention", "weight-decay")
IDS = {"dz2": "dL/dz2", "dW2": "dL/dW2", "db2": "dL/db2", "da1": "dL/da1", "dz1": "dL/dz1", "dW1": "dL/dW1",
       "db1": "dL/db1", "W2new": "W2'", "W1new": "W1'"}  # fmt: skip


@pytest.fixture(scope="module")
def wide():
    return Sheet(trace(load(given_source(WIDE, "wide"))), "delta")


def filled(sheet, arrays, digits=6, shuffled=True):
    """A paper with arrays by their ids typed into it, in any order."""
    cells = [(cell, x) for id, array in arrays.items() for cell, x in zip(sheet.find(id), np.ravel(array), strict=True)]
    if shuffled:
        random.Random(5).shuffle(cells)
    paper = Paper(sheet)
    for cell, value in cells:
        paper = paper.fill(cell, f"{value:.{digits}g}")
    return paper


def pass_of(**slips):
    found = by_numpy(**slips)
    found["b2'"], found["b1'"] = [0.2, 0.6] - 0.5 * found["db2"], [0.1, -0.3] - 0.5 * found["db1"]
    found["dL/da2"] = found["a2"] - [1.0, 0.0]
    return {IDS.get(name, name): value for name, value in found.items()}


def lost(paper):
    return [cell for cell, kind in paper.checked.kinds.items() if kind in ("slip", "wrong", "rough", "blank")]


# ---------------------------------------------------------------- what is right


@pytest.mark.parametrize("digits", [3, 4, 12])
def test_a_right_pass_in_any_order_has_all_marks(wide, digits):
    paper = filled(wide, pass_of(), digits).check()
    assert lost(paper) == [] and paper.checked.first is None and not paper.blank
    assert paper.checked.total.got == paper.checked.total.of == len(wide.cells)
    assert paper.checked.headline == "All of it is right."


@pytest.mark.parametrize("digits", [4, 12])
def test_a_slip_loses_its_own_entries_and_is_the_headline(wide, digits):
    paper = filled(wide, pass_of(hidden_slope=lambda a: 1), digits).check()
    assert lost(paper) == ["dL/dz1[1]", "dL/dz1[2]"] and paper.checked.first == "dL/dz1[1]"
    assert paper.checked.headline.startswith("The first that is wrong is δ⁽²⁾ (dL/dz1): The slope of the activation")
    assert {paper.kind(cell) for cell in wide.find("dL/dW1")} == {"carried"}
    assert str(paper.checked.marks["backward"]) == "20 of 22" and str(paper.checked.marks["update"]) == "14 of 14"


def carried(here, key, wrong):
    """The values of an iteration with one array replaced, everything behind it worked out from that."""
    values = {key: np.asarray(value, dtype=float) for key, value in here.iteration.values.items()}

    def look(ref):
        if ref.symbol.key not in values:
            return np.asarray(evaluate(here.program.by_key[ref.symbol.key].formula, look))
        whole = values[ref.symbol.key]
        whole = whole[ref.example] if ref.example is not None and ref.symbol.per_example else whole
        return whole[(slice(None),) * (whole.ndim - len(ref.index)) + ref.index] if ref.index else whole

    behind = False
    for eq in here.equations:
        if eq.symbol.key == key:
            values[key], behind = wrong, True
        elif behind and not eq.deferred:
            shape = ((here.examples,) if eq.symbol.per_example else ()) + eq.symbol.shape
            values[eq.symbol.key] = np.broadcast_to(np.asarray(evaluate(eq.formula, look)), shape)
    return values


@pytest.mark.parametrize("name", KINDS)
def test_one_wrong_cell_with_all_carried_on_loses_one_mark(name):
    here = trace(bundled(name))
    sheet = Sheet(here, here.lesson.notation)
    rng = random.Random(name)
    boxes = [box for box in sheet.boxes if box.phase != "update" and np.all(np.isfinite(here.value(box.ref)))]
    for box in rng.sample(boxes, 2):
        symbol, cell = box.equation.symbol, rng.choice(box.cells)
        shape = ((here.examples,) if symbol.per_example else ()) + symbol.shape
        wrong = np.array(np.broadcast_to(here.value(Ref(symbol)), shape), dtype=float)
        wrong.flat[sheet.ids(symbol).index(cell)] += 0.217
        values, paper = carried(here, symbol.key, wrong), Paper(sheet)
        for each in sheet.boxes:
            own = np.ravel(values[each.equation.symbol.key])[(each.example or 0) * len(each.cells) :]
            for at, value in zip(each.cells, own, strict=False):
                paper = paper.fill(at, f"{value:.5g}")
        paper = paper.check()
        assert lost(paper) == [cell] and paper.checked.first == cell, (name, cell, paper.checked.headline)


@pytest.mark.parametrize("name", KINDS)
def test_a_part_of_a_right_pass_is_right_so_far(name):
    here = trace(bundled(name))
    sheet = Sheet(here, here.lesson.notation)
    paper = Paper(sheet)
    for cell in random.Random(name).sample(sheet.cells, len(sheet.cells) // 2):
        paper = paper.fill(cell, f"{sheet.step(cell).value:.4g}")
    paper = paper.check()
    assert paper.checked.headline == "Right so far." and set(lost(paper)) == set(paper.blank)


def test_a_slip_in_one_cell_of_a_matrix_is_named_and_the_rest_of_it_is_right(wide):
    arrays = pass_of()
    arrays["dL/dW1"] = arrays["dL/dW1"].copy()
    arrays["dL/dW1"][1, 2] *= -1
    arrays = {id: array for id, array in arrays.items() if id != "W1'"}
    paper = filled(wide, arrays).check()
    assert [cell for cell in lost(paper) if cell not in paper.blank] == ["dL/dW1[2,3]"]
    assert "(dL/dW1[2,3]): " in paper.checked.headline
    assert paper.kind("dL/dW1[2,3]") == "slip"


def test_a_wrong_number_is_not_told_what_it_should_be(wide):
    paper = Paper(wide).fill("z1[2]", "0.873").check()
    assert paper.kind("z1[2]") == "wrong" and paper.checked.headline == (
        "The first that is wrong is z₂⁽²⁾ (z1[2]): No slip that is known by name gives this number."
    )


def test_blanks_are_taken_as_they_should_be_given_what_was_wrong_before(wide):
    """One cell of a wrong dL/dz1, the other blank; its row of dL/dW1 follows from that, the other row is right."""
    right, wrong = pass_of(), pass_of(hidden_slope=lambda a: 1)
    paper = Paper(wide).fill("dL/dz1[1]", f"{wrong['dL/dz1'][0]:.6g}")
    for at in range(3):
        paper = paper.fill(f"dL/dW1[1,{at + 1}]", f"{wrong['dL/dW1'][0, at]:.6g}")
        paper = paper.fill(f"dL/dW1[2,{at + 1}]", f"{right['dL/dW1'][1, at]:.6g}")
    paper = paper.check()
    assert paper.checked.first == "dL/dz1[1]" and paper.kind("dL/dz1[1]") == "slip"
    assert [paper.kind(cell) for cell in wide.find("dL/dW1")] == ["carried"] * 3 + ["right"] * 3


@pytest.mark.parametrize(
    ("typed", "kind"),
    [("0.646", "right"), ("0.6457", "right"), ("0.645", "rounded"), ("0.65", "rough"), ("0.6", "rough"),
     ("0", "wrong"), ("0.66", "wrong"), ("0.640", "wrong"), ("=1/(1+exp(-0.6))", "right"), ("6.457e-1", "right")],
)  # fmt: skip
def test_how_finely_a_number_has_to_be_written(typed, kind):
    """σ(0.6) = 0.64565 …"""
    source = 'format = 1\ntitle = "x"\n[circuit]\ndefine = ["s = sigmoid(x)", "f = 2 * s"]\noutput = "f"\n'
    here = trace(load(given_source(source + "[circuit.inputs]\nx = 0.6\n", "one")))
    found = Paper(Sheet(here, "delta")).fill("s", typed).check().kind("s")
    assert found == kind or (kind == "wrong" and found == "slip")


# ---------------------------------------------------------------- the table, and what is typed


def test_of_a_batch_all_of_it_or_one_example():
    here = trace(bundled("batch-mean"))
    whole, one = Sheet(here, "dz"), Sheet(here, "dz", 1)
    assert "z1[1]@1" in whole.cells and "z1[1]@3" in whole.cells and "W1'[1,1]" in whole.cells
    assert {box.example for box in one.boxes} == {1} and "dL/dW1[1,2]@2" in one.cells
    assert not any("'" in cell for cell in one.cells)
    paper = Paper(one)
    for cell in one.cells:
        paper = paper.fill(cell, f"{one.step(cell).value:.4g}")
    assert lost(paper.check()) == []
    with pytest.raises(Refused, match="3 examples"):
        Sheet(here, "dz", 3)
    with pytest.raises(Refused, match="one example"):
        Sheet(trace(bundled("softmax")), "dz", 0)


def test_what_is_too_large_is_refused_in_words():
    with pytest.raises(Refused, match=r"2,525 numbers.*1,000 at most"):
        Sheet(trace(bundled("digits")), "dz")


def test_the_calculator_uses_what_is_given_and_what_is_filled_in(wide):
    paper = Paper(wide).fill("z1[1]", "=0.2*1-0.4*2-0.1+0.1").settle("z1[1]")
    assert paper.entries["z1[1]"] == "-0.6"
    assert paper.fill("z1[1]", "=W1[1,1]*x[1] + W1[1,2]*x[2] + W1[1,3]*x[3] + b1[1]").settle("z1[1]") == paper
    assert paper.fill("z1[2]", "=z1[1]/2").settle("z1[2]").entries["z1[2]"] == "-0.3"
    assert paper.fill("a1[1]", "=1/(1+exp(0.6))").settle("a1[1]").entries["a1[1]"] == "0.354344"
    assert paper.compute("z1[1]*2") == pytest.approx(-1.2)


@pytest.mark.parametrize("asked", ["=a2[1]", "=z1[2]", "=dL/dW1[1,1]", "=da1/dz1[1]", "=W2 @ a1", "=2*L", "=z1"])
def test_the_calculator_gives_nothing_away(wide, asked):
    paper = Paper(wide).fill("z1[1]", "-0.6")
    with pytest.raises(NotUnderstood, match="not filled in yet"):
        paper.fill("L", asked).settle("L")


def test_what_says_no_number_is_a_blank_and_told(wide):
    paper = Paper(wide).fill("z1[1]", "-0.6").fill("z1[2]", "what").check()
    assert paper.kind("z1[1]") == "right" and list(paper.checked.unread) == ["z1[2]"]
    assert paper.kind("z1[2]") is None and paper.entries["z1[2]"] == "what"


def test_a_verdict_holds_as_long_as_the_cell_is_as_it_was(wide):
    paper = Paper(wide).fill("z1[1]", "-0.6").fill("z1[2]", "7").check()
    assert paper.kind("z1[2]") == "wrong"
    paper = paper.fill("z1[2]", "8")
    assert paper.kind("z1[2]") is None and paper.kind("z1[1]") == "right"


def test_names_that_are_not_asked_for(wide):
    assert wide.find("dL/dW1[2,3]") == ("dL/dW1[2,3]",) and len(wide.find("dL/dW1")) == 6
    for name in ("W1", "dL/dW9", "da1/dz1"):
        with pytest.raises(NoSuchStep):
            wide.find(name)


# ---------------------------------------------------------------- kept


def test_a_paper_is_kept_as_it_is_filled_in_and_two_windows_lose_nothing(data_folder, wide):
    with Store.open() as one, Store.open() as two:
        first, paper = open_paper(one, "wide", wide.trace, "delta")
        second, _ = open_paper(two, "wide", wide.trace, "delta")
        assert first.id == second.id and not paper.entries
        first.put("z1[1]", "-0.6")
        second.put("z1[2]", "=0.5*")
        first.put("a1[1]", "0.35")
        second.put("a1[1]", "")
        assert first.entries({}) == second.entries({}) == {"z1[1]": "-0.6", "z1[2]": "=0.5*"}
        assert open_paper(one, "wide", wide.trace, "dz")[1].entries == {"z1[1]": "-0.6", "z1[2]": "=0.5*"}
        assert one.export()["sessions"][0]["state"]["entries"]["z1[1]"] == "-0.6"
        first.clear(["z1[1]", "z1[2]"])
        assert second.entries({}) == {}
    other_numbers = trace(exams.variant(wide.trace.lesson, 3))
    with Store.open() as store:
        assert open_paper(store, "wide", other_numbers, "delta")[0].id != first.id
        assert open_paper(None, "wide", wide.trace, "delta")[0].put("z1[1]", "1")  # nothing is kept, nothing fails


def test_what_was_typed_is_there_after_a_kill(data_folder, wide):
    child = os.fork()
    if child == 0:  # no cleaning up, no closing: as kill -9 leaves it
        keeper, _ = open_paper(Store.open(), "wide", wide.trace, "delta")
        keeper.put("z1[1]", "-0.6")
        keeper.put("z1[2]", "=1-")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with Store.open() as store:
        assert open_paper(store, "wide", wide.trace, "delta")[1].entries == {"z1[1]": "-0.6", "z1[2]": "=1-"}


def gates_exam(store, **options):
    return start_exam(store, str(catalogue.find("gates").resolve()), **options)


def test_an_exam_goes_on_with_its_clock_and_is_handed_in_once(data_folder):
    with Store.open() as store:
        keeper, exam, goes_on = gates_exam(store, seed=7, minutes=20)
        assert not goes_on and exam.left(5) == 1195 and exam.left(5000) == 0
        keeper.put("q", "-5")
        keeper.spent(90)
        again, back, goes_on = gates_exam(store)
        assert goes_on and again.id == keeper.id and back.left(0) == 1110 and back.paper.entries == {"q": "-5"}
        assert gates_exam(store, seed=8)[1].paper.entries == {}
        done = back.with_paper(back.paper.fill("f", "-30")).hand_in()
        again.handed_in(done)
        assert done.hand_in() is done and done.with_paper(done.paper.fill("f", "1")) is done
        assert not keeper.put("f", "1") and store.session(keeper.id).finished  # another window is too late
        found = progress.report(store)
        assert [(exam.title, exam.got, exam.of) for exam in found.exams] == [(done.result["title"], 2.0, 9)]
        assert (found.open_exams, found.open_quizzes, found.finished_quizzes, found.skills) == (1, 0, 0, ())
        assert "2 of 9 marks" in progress.text(found) and "exam,," in progress.as_csv(found)
        assert not gates_exam(store, seed=7)[2]  # it is over: this is another


def test_an_exam_whose_lesson_has_changed_begins_anew(data_folder, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(WIDE)
    with Store.open() as store:
        keeper, _, _ = start_exam(store, str(path), seed=3)
        keeper.put("z1[1]", "1")
        path.write_text(WIDE.replace('"sigmoid"', '"tanh"'))
        other, fresh, goes_on = start_exam(store, str(path), seed=3)
        assert not goes_on and other.id != keeper.id and not fresh.paper.entries


def test_the_same_seed_is_the_same_paper(wide):
    lesson = bundled("o-classification")
    one, two, other = exams.sheet(lesson, 7), exams.sheet(lesson, 7, "dz"), exams.sheet(lesson, 8)
    assert one.mark == two.mark != other.mark
    assert one.mark == "0eb7eff5d738b864"  # on every machine


# ---------------------------------------------------------------- files


@pytest.fixture
def run_command(capsys):
    def run(*argv):
        code = main(list(argv))
        out, err = capsys.readouterr()
        return code, out, err

    return run


def answered(blank, sheet, change=lambda cell, value: value):
    """A printed paper with every blank replaced by the right number, or what `change` makes of it."""
    numbers = iter([change(cell, sheet.step(cell).value) for cell in sheet.cells])
    lines = [line if line.startswith("#") else "".join(
        f"{next(numbers):.5g}" if part == "_" else part for part in line.replace("_", "\0_\0").split("\0")
    ) for line in blank.splitlines()]  # fmt: skip
    return "\n".join(lines)


@pytest.mark.parametrize(("name", "more"), [("gates", ()), ("batch-mean", ()), ("batch-mean", ("--example", "2")),
                                            ("attention", ()), ("language-model", ())])  # fmt: skip
def test_a_printed_paper_is_filled_in_and_marked(name, more, run_command, tmp_path):
    code, blank, _ = run_command("exam", name, "--seed", "7", "--print", *more)
    assert code == 0 and "# Given:" in blank
    sheet = exams.sheet(bundled(name), 7, "", 1 if more else None)
    path = tmp_path / "paper.csv"
    path.write_text(blank)
    assert run_command("exam", name, "--seed", "7", "--answers", str(path), *more)[0] == 2  # nothing is filled in
    path.write_text(answered(blank, sheet))
    code, said, _ = run_command("exam", name, "--seed", "7", "--answers", str(path), "--format", "json", *more)
    found = json.loads(said)
    assert code == 0 and found["got"] == found["of"] == len(sheet.cells) and found["first_wrong"] is None
    path.write_text("\n".join(answered(blank, sheet).splitlines()[:-1]))
    assert run_command("exam", name, "--seed", "7", "--answers", str(path), *more)[0] == 1


def test_blanks_nulls_and_slips_in_files(run_command, tmp_path):
    sheet = exams.sheet(bundled("o-classification"), 7)
    z1 = [sheet.step(cell).value for cell in sheet.find("z1")]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"z1": [round(z1[0], 4), None], "a1": [9, 9], "nothing": 1, "dW1": [1, 2, 3]}))
    code, said, _ = run_command("exam", "o-classification", "--seed", "7", "--answers", str(path), "--format", "json")
    found = json.loads(said)
    arrays = {array["step"]: array for array in found["arrays"]}
    assert code == 1 and found["first_wrong"] == "a1[1]" and found["got"] == 1 and found["seed"] == 7
    assert arrays["z1"]["cells"] == ["right", "blank"] and arrays["z1"]["yours"] == [round(z1[0], 4), None]
    assert arrays["z1"]["sample"] == pytest.approx(z1) and arrays["L"]["verdict"] == "blank"
    assert {array["name"]: array["verdict"] for array in found["not_taken"]} == {"nothing": "unknown", "dW1": "shape"}
    path.write_text(json.dumps({"W1": [[1, 0], [0, 1]], "x": [1, 1], "z1": [1, 1]}))  # worked out from other weights
    code, said, _ = run_command("exam", "o-classification", "--seed", "7", "--answers", str(path))
    assert code == 1 and said.startswith("0 of 31 marks") and "W1" not in said.partition("\n")[0]
    path = tmp_path / "mine.csv"
    path.write_text(f"z1,_,{z1[1]:.4g}\n")
    code, said, _ = run_command("exam", "o-classification", "--seed", "7", "--answers", str(path))
    assert code == 1 and said.startswith("1 of 31 marks. Right so far.") and "sample" in said
    assert run_command("diagnose", "o-classification", str(path))[0] == 1  # of other numbers


def test_bad_use_is_told(run_command, tmp_path):
    for argv, said in [
        (("exam", "gates", "--print"), "--seed 7"),
        (("exam", "gates", "--seed", "none"), "--seed takes"),
        (("exam", "gates", "--seed", "7", "--minutes", "0"), "--minutes takes"),
        (("exam", "digits", "--seed", "7", "--print"), "1,000 at most"),
        (("exam", "gates", "--seed", "7", "--example", "2", "--print"), "one example"),
        (("exam", "gates", "--seed", "7", "--answers", str(tmp_path / "no.csv")), "cannot read"),
        (("exam", "nowhere", "--seed", "7"), "there is no lesson"),
        (("paper", "gates", "--iteration", "x"), "--iteration takes"),
        (("paper", "digits"), "1,000 at most"),
        (("paper", "batch-mean", "--example", "x"), "--example takes"),
    ]:
        code, _, err = run_command(*argv)
        assert code == 2 and said in err, argv


# ---------------------------------------------------------------- in lines


def in_lines(keeper, paper, *lines, exam=None, clock=lambda: 0.0):
    said: list[str] = []
    waiting = iter(lines)
    mode = PaperLines(keeper, paper, lambda prompt: next(waiting, None), said.append, exam, clock)
    mode.play()
    return "\n".join(said), mode


def test_a_paper_in_lines(data_folder, wide):
    with Store.open() as store:
        keeper, paper = open_paper(store, "wide", wide.trace, "delta")
        lines = ("fill z1 -0.6 0.999", "z1[2] = 2", "fill a1[1] =1/(1+exp(-z1[1]))", "check", "= z1[1] * 2",
                 "fill z1 1 2 3", "fill nowhere 1", "fill z1[1]", "= a2[1]", "nonsense", "table forward", "clear z1[2]",
                 "map", "names", "time", "example 2", "hand in", "help")  # fmt: skip
        said, mode = in_lines(keeper, paper, *lines)
        assert "z1[1] = -0.6, z1[2] = 0.999" in said and "a1[1] = 0.354344" in said and "= −1.2" in said
        assert "(z1[2]): " in said.partition("= −1.2")[0]
        for word in ("z1 has 2 numbers, not 3", "no step 'nowhere'", "not filled in yet", "is no command here",
                     "There is no clock.", "Say which example"):  # fmt: skip
            assert word in said, word
        assert "z1[2]" not in keeper.entries({}) and mode.paper.entries["a1[1]"] == "0.354344"
        again, _ = in_lines(*open_paper(store, "wide", wide.trace, "delta"), "table")
        assert "-0.6  _" in again


def test_an_exam_in_lines_says_nothing_before_its_end(data_folder):
    with Store.open() as store:
        keeper, exam, _ = gates_exam(store, seed=7, minutes=1)
        said, mode = in_lines(
            keeper,
            exam.paper,
            "fill q -5",
            "fill f 30",
            "check",
            "clear all",
            "hand in",
            "no",
            "hand in",
            "yes",
            exam=exam,
        )
        before, _, after = said.partition("It goes on.")
        assert "An exam says nothing" in before and "wrong" not in before and "sample" not in before
        assert "1 of 9 marks" in after and "sample  −30" in after and mode.exam.handed_in
        assert store.session(keeper.id).finished


def test_when_the_time_is_over_it_is_handed_in_and_the_last_line_comes_too_late(data_folder):
    asked: list[str] = []
    now = lambda: 0.0 if len(asked) < 2 else 61.0  # noqa: E731
    lines = iter(["fill q -5", "fill f -30"])
    said: list[str] = []

    def ask(prompt):
        asked.append(prompt)
        return next(lines, None)

    with Store.open() as store:
        keeper, exam, _ = gates_exam(store, seed=7, minutes=1)
        mode = PaperLines(keeper, exam.paper, ask, said.append, exam, now)
        mode.play()
        said = "\n".join(said)
        assert asked == ["1:00 left> "] * 2
        assert "The time is over" in said and "1 of 9 marks" in said
        assert mode.exam.paper.entries == {"q": "-5"} and isinstance(mode.exam, Exam)


def test_from_the_player_in_lines(data_folder):
    from test_plain import answers

    with Store.open() as store:
        said = "\n".join(answers("batch-mean", store, "paper 9", "paper 2", "paper"))
    assert "a number from 1 to 3" in said and "22 numbers to work out" in said and "58 numbers to work out" in said
