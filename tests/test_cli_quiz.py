"""The commands that ask: quiz, drill, review, progress, grade and misconceptions, from a pipe and from a shell."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest

from test_cli import finished, is_refused, program
from tutor.cli.commands import main
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions import mastery, quiz
from tutor.questions.drill import drill_item
from tutor.questions.mastery import GivenAnswer
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.quiz import Quiz


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command in this process, these lines on its standard input: (exit code, output, errors)."""

    def run(*argv: str, lines=()) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        code = main(list(argv))
        return (code, *capsys.readouterr())

    return run


def items_of(*ids, count=10, seed=7):
    one = "dz" if len(ids) > 1 else ""  # several lessons are asked in one notation
    return quiz.make_items([load(catalogue.find(id)) for id in ids], count, seed, notation=one)


def right(item):
    return item.answer.replace("\n", "; ")


def answers(profile="default"):
    with Store.open(profile=profile) as store:
        return store.answers()


# ---------------------------------------------------------------- quiz


@pytest.mark.parametrize("ids", [("o-classification",), ("gates", "p-deep")])
def test_ten_right_answers_from_a_pipe(ids, run):
    items = items_of(*ids)
    code, out, err = run("quiz", *ids, "--seed", "7", lines=map(right, items))
    assert (code, err) == (0, "") and "10 of 10 right" in out and "10 questions, seed 7" in out
    at = [out.index(f"{n} of 10, ") for n in range(1, 11)]
    assert at == sorted(at)
    assert [answer.verdict for answer in answers()] == ["correct"] * 10


def test_there_are_no_hints_and_no_verdicts_before_the_report(run):
    items = items_of("o-classification")
    lines = ["hint", "show", "= 1 + 1", *map(right, items)]
    _, out, _ = run("quiz", "o-classification", "--seed", "7", lines=lines)
    asked, _, report = out.partition("10 of 10 right")
    assert report and "Right." not in asked
    for hint in items[0].hints:
        assert hint not in asked
    assert len(answers()) == 10


def test_the_report_shows_the_worked_steps_of_what_was_wrong_alone(run):
    items = items_of("o-classification")
    at = next(n for n, item in enumerate(items) if item.kind == "value")
    lines = [*map(right, items[:at]), "123456", *map(right, items[at + 1 :])]
    _, out, _ = run("quiz", "o-classification", "--seed", "7", lines=lines)
    report = out.partition("9 of 10 right")[2]
    assert f"{at + 1}. wrong: {items[at].prompt}" in report and "you: 123456." in report
    for hint in items[at].hints[1:]:
        assert hint in report
    other = next(item for item in items if item.kind == "value" and item is not items[at])
    assert other.hints[2] not in report


def test_skip_back_and_the_end_of_a_quiz(run):
    items = items_of("gates")
    code, out, _ = run("quiz", "gates", "--seed", "7", lines=["skip", right(items[1]), "back", right(items[0]), "end"])
    assert code == 0 and "2 of 10 right" in out and out.count("not answered: ") == 8
    assert re.findall(r"^(\d+) of 10, ", out, re.MULTILINE) == ["1", "2", "3", "1", "3"]


def test_known_lists_what_a_question_may_be_worked_out_from(run):
    _, out, _ = run("quiz", "o-classification", "--seed", "7", lines=["known"])
    assert "iq = 1.2" in out or "x = [1.2" in out
    assert "2 inputs → 2 sigmoid → 1 sigmoid" in out and "Loss: binary cross-entropy." in out
    _, out, _ = run("quiz", "gates", "--seed", "7", lines=["known"])
    assert "q = x + y" in out and "f = q · z" in out and "learning rate 0.01" in out  # numbers alone say nothing


def test_left_in_the_middle_the_same_command_goes_on(run):
    _, out, _ = run("quiz", "o-regression", "--count", "4", lines=["skip"])
    assert "The quiz is kept" in out
    with Store.open() as store:
        (saved,) = store.sessions(finished=False)
    session = Quiz.from_json(saved.state)
    items = items_of("o-regression", count=4, seed=session.seed)
    _, out, _ = run("quiz", "o-regression", "--count", "4", lines=[right(items[1]), "quit"])
    assert "You go on with the quiz" in out and f"seed {session.seed}" in out
    assert out.index("2 of 4, ") < out.index("3 of 4, ") and "1 of 4, " not in out
    _, out, _ = run("quiz", "o-regression", "--count", "4", lines=map(right, [items[2], items[3], items[0]]))
    assert "4 of 4 right" in out
    _, out, _ = run("quiz", "o-regression", "--count", "4")
    assert "You go on" not in out and "1 of 4, " in out
    _, out, _ = run("quiz", "o-regression", "--count", "4", "--new")
    assert "You go on" not in out


def test_what_cannot_be_kept_is_not_said_to_be(run, folder, monkeypatch):
    (folder / "file").write_text("no folder")
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(folder / "file"))
    _, out, err = run("quiz", "gates", "--count", "1")
    assert "1 question, seed" in out and "is kept" not in out and "forgotten when you quit" in err


def test_the_same_seed_asks_the_same_in_every_process(tmp_path):
    outputs = set()
    for n in ("1", "2"):
        folder = {"BACKPROP_TUTOR_DATA": str(tmp_path / n), "PYTHONHASHSEED": n}
        code, out, _ = finished("quiz", "gates", "--seed", "5", "--count", "6", input=b"1\n" * 12, env=folder)
        assert code == 0
        outputs.add(out)
    assert len(outputs) == 1


def test_killed_in_the_middle_nothing_answered_is_lost(tmp_path, run):
    """Each answer is on disk before the next question is asked."""
    items = items_of("gates")
    process = program("quiz", "gates", "--seed", "7", stdin=-1)
    seen = b""
    for n in (1, 2, 3):
        while f"{n} of 10, ".encode() not in seen:
            seen += process.stdout.readline()
        process.stdin.write(right(items[n - 1]).encode() + b"\n")
        process.stdin.flush()
    while b"4 of 10, " not in seen:
        seen += process.stdout.readline()
    process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr, process.stdin):
        stream.close()
    assert [answer.verdict for answer in answers()] == ["correct"] * 3
    code, out, _ = run("quiz", "gates", lines=map(right, items[3:]))
    assert code == 0 and "You go on" in out and "10 of 10 right" in out and "1 of 10, " not in out


@pytest.mark.parametrize("text", ["[red]0.5[/red]", "\x1b[31m5\x07", "1e999", "x" * 5000, "__import__('os')", "\x00"])
def test_no_answer_breaks_a_quiz(text, run):
    code, out, err = run("quiz", "gates", "--seed", "7", lines=[text, *map(right, items_of("gates"))])
    assert (code, err) == (0, "") and "10 of 10 right" in out
    assert all(char.isprintable() or char == "\n" for char in out)


def test_control_characters_of_an_answer_are_escaped_in_the_report(run):
    items = items_of("o-classification")
    at = next(n for n, item in enumerate(items) if item.kind == "value")
    lines = ["skip"] * at + ["12\x07345\x1b", "12345\x07", "end"]
    _, out, _ = run("quiz", "o-classification", "--seed", "7", lines=lines)
    assert all(char.isprintable() or char == "\n" for char in out)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["gates", "--count", "0"], ["--count", "1 to 100"]),
        (["gates", "--count", "x"], ["--count"]),
        (["gates", "--seed", "-1"], ["--seed"]),
        (["gats"], ["gats", "gates"]),
        ([], ["LESSON"]),
    ],
)
def test_bad_usage_of_quiz(argv, words, run):
    assert is_refused(run("quiz", *argv), *words)


def test_a_quiz_on_a_file_of_ones_own(run, folder):
    (folder / "mine.toml").write_bytes(catalogue.find("gates").read_bytes())
    code, out, _ = run("quiz", "mine.toml", "--count", "3", "--seed", "2", lines=["end"])
    assert code == 0 and "0 of 3 right" in out
    (folder / "mine.toml").write_text("format = 1\n")
    assert is_refused(run("quiz", "mine.toml"), "mine.toml:")


# ---------------------------------------------------------------- drill and review


def drilled(id="o-classification", skill="weight_gradient", seed=7):
    return drill_item(load(catalogue.find(id)), skill, seed)


def numbers_of(item):
    """The right-hand side of the worked step, in numbers."""
    return item.hints[2].split(" = ", 1)[1]


def test_a_drill_shows_its_seed_the_worked_step_and_new_numbers(run):
    first = drilled()
    second = drilled(seed=first.seed + 1)
    argv = ("drill", "o-classification", "--skill", "weight_gradient", "--seed", "7")
    code, out, err = run(*argv, lines=["123", right(first), right(second)])
    assert (code, err) == (0, "") and "2 of 2 right" in out and "2 tries left" in out
    assert f"(seed {first.seed})" in out and f"(seed {second.seed})" in out
    assert out.index(first.prompt) < out.index(numbers_of(first)) < out.index(f"(seed {second.seed})")
    assert [a.verdict for a in answers()] == ["wrong", "correct", "correct"]
    assert {a.skill for a in answers()} == {"weight_gradient"}


def test_three_wrong_tries_then_the_worked_step(run):
    item = drilled()
    argv = ("drill", "o-classification", "--skill", "weight_gradient", "--seed", "7")
    _, out, _ = run(*argv, lines=["abc", "1234", "= 3 * 2", "2345", "known", "hint", "3456"])
    before, _, after = out.partition(f"It is {item.answer}.")
    assert after and numbers_of(item) in after and numbers_of(item) not in before and "= 6" in before
    assert "0 of 1 right" in out and [a.verdict for a in answers()] == ["wrong"] * 3


def test_a_drill_gives_up_on_show(run):
    argv = ("drill", "o-classification", "--skill", "weight_gradient", "--seed", "7")
    _, out, _ = run(*argv, lines=["show", "quit"])
    assert f"It is {drilled().answer}." in out and [a.verdict for a in answers()] == ["given-up"]


def test_the_skills_of_a_lesson_are_listed_and_others_refused(run):
    code, out, _ = run("drill", "o-classification", "--skills")
    assert code == 0 and "weight_gradient: " in out and "combined_error: " in out
    assert is_refused(run("drill", "gates", "--skill", "softmax"), "softmax", "gate_mul")
    assert is_refused(run("drill", "gates", "--seed", "zero"), "--seed")


def test_a_drill_without_a_skill_takes_one_of_the_lesson(run):
    titles = [line.partition(": ")[2] for line in run("drill", "gates", "--skills")[1].splitlines()]
    _, out, _ = run("drill", "gates")
    assert any(f"Drill: {title}." in out for title in titles) and "(seed 1)" in out


def test_nothing_due_says_so(run):
    code, out, err = run("review")
    assert (code, err) == (0, "") and "That is all for now." in out


def make_due(skill="weight_gradient", lesson="o-classification", days=30):
    """A skill that was asked and is due since."""
    then = datetime.now(UTC) - timedelta(days=days)
    card = mastery.review(None, mastery.rating(1.0), then)
    with Store.open() as store:
        store.record(GivenAnswer(lesson, f"value:{skill}", skill, "value", "1", "correct", credit=1.0), card)


def test_a_review_asks_what_is_due_and_then_it_is_not(run):
    make_due()
    make_due("combined_error", days=20)
    code, out, _ = run("review", lines=["show", "show"])
    assert code == 0 and "0 of 2 right" in out and "That is all for now." in out
    asked = [a.skill for a in answers() if a.verdict == "given-up"]
    assert asked == ["weight_gradient", "combined_error"]
    with Store.open() as store:
        assert all(card.due > datetime.now(UTC).isoformat() for card in store.cards().values())
    assert "0 of" not in run("review")[1]


def test_what_is_not_due_is_not_asked(run):
    make_due(days=0)
    assert "What is" not in run("review", lines=["show"])[1]


# ---------------------------------------------------------------- progress


def take(run, profile="default"):
    lines = map(right, items_of("o-classification", count=4))
    run("quiz", "o-classification", "--seed", "7", "--count", "4", "--profile", profile, lines=lines)


def test_progress_in_three_formats(run):
    assert "No questions have been answered yet." in run("progress")[1]
    run("drill", "o-classification", "--skill", "combined_error", lines=["1", "show"])
    take(run)
    code, out, _ = run("progress")
    assert code == 0 and "5 questions, 4 answered rightly" in out and "Mastery by skill" in out
    record = json.loads(run("progress", "--format", "json")[1])
    assert record["questions"] == 5 and record["right"] == 4 and record["skills"]
    table = list(csv.reader(io.StringIO(run("progress", "--format", "csv")[1])))
    assert len(table) > 1 and len({len(row) for row in table}) == 1


def test_progress_moves_to_another_machine_and_is_forgotten_only_on_yes(run, folder, monkeypatch):
    take(run)
    before = run("progress")[1]
    code, out, _ = run("progress", "--export", "mine.json")
    assert code == 0 and "4 answers" in out
    for lines in ([], ["no"], ["y"], [""]):
        code, out, _ = run("progress", "--reset", lines=lines)
        assert code == 1 and "Nothing was forgotten." in out
    assert len(answers()) == 4
    code, out, _ = run("progress", "--reset", lines=["yes"])
    assert code == 0 and answers() == []
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(folder / "other"))
    for _ in range(2):  # twice is once
        assert run("progress", "--import", "mine.json")[0] == 0
        assert len(answers()) == 4
    assert run("progress")[1] == before


@pytest.mark.parametrize("content", [None, "", "{}", "[1", '{"format": 99}', "\x00"])
def test_a_bad_file_to_import_is_refused(content, run, folder):
    if content is not None:
        (folder / "bad.json").write_text(content)
    assert is_refused(run("progress", "--import", "bad.json"), "bad.json")


def test_export_to_a_place_that_is_not_there(run):
    assert is_refused(run("progress", "--export", "no/such/folder/x.json"))
    assert is_refused(run("progress", "--export", "a", "--reset"))


def test_profiles_keep_two_people_apart(run):
    take(run, "ada")
    assert len(answers("ada")) == 4 and answers("ben") == answers() == []
    assert "Progress of ada" in run("progress", "--profile", "ada")[1]
    assert "No questions" in run("progress", "--profile", "ben")[1]
    run("quiz", "gates", "--profile", "ada", lines=["skip"])
    assert "You go on" not in run("quiz", "gates", "--profile", "ben")[1]
    assert "You go on" in run("quiz", "gates", "--profile", "ada")[1]
    run("progress", "--reset", "--profile", "ben", lines=["yes"])
    assert len(answers("ada")) == 4


# ---------------------------------------------------------------- grade

KEYS = {"verdict", "misconception", "expected", "given", "message"}


@pytest.mark.parametrize(
    ("step", "answer", "verdict", "misconception", "code"),
    [
        ("dL/dz1[2]", "0.0804", "correct", None, 0),
        ("dL/dz1[2]", "8.04e-2", "correct", None, 0),
        ("dL/dz1[2]", "8.04×10^-2", "correct", None, 0),
        ("dL/dz1[2]", "dL/da1[2] * a1[2]*(1-a1[2])", "correct", None, 0),
        ("dL/dz1[2]", "0.08", "imprecise", None, 1),
        ("dL/dz1[2]", "0.376", "misconception", "slope-dropped", 1),
        ("dL/dz2[1]", "0.5371", "misconception", "difference-reversed", 1),
        ("dL/dz2[1]", "−0.5371", "correct", None, 0),
        ("dL/dz2[1]", "-0.53705/1", "correct", None, 0),  # what begins with a minus is no option
        ("dL/dz2[1]", "-5.3705e-1", "correct", None, 0),
        ("dL/dz2[1]", "-(y - yhat)", "correct", None, 0),
        ("dL/dz2[1]", "-(yhat - y)", "misconception", "difference-reversed", 1),
        ("dL/dz2[1]", "-w", "not-understood", None, 1),
        ("a1[2]", "−0.690", "sign", None, 1),
        ("a1[2]", "6.90", "power-of-ten", None, 1),
        ("a1[2]", "17", "wrong", None, 1),
        ("a1[2]", "abc", "not-understood", None, 1),
        ("a1[2]", "1e999", "not-understood", None, 1),
        ("a1[2]", "[red]1[/red]", "not-understood", None, 1),
    ],
)
def test_grade(step, answer, verdict, misconception, code, run):
    found, out, err = run("grade", "o-classification", step, answer, "--format", "json")
    record = json.loads(out)
    assert (found, err) == (code, "") and record.keys() >= KEYS
    assert (record["verdict"], record["misconception"]) == (verdict, misconception)
    assert (record["given"] is None) == (verdict == "not-understood") and record["message"]
    assert isinstance(record["expected"], float)
    found, out, _ = run("grade", "o-classification", step, answer)
    assert found == code and out.startswith(f"{verdict}: ")
    assert ("yours: " in out and "right: " in out) == (verdict == "misconception")


def test_a_whole_array_is_graded_cell_by_cell(run):
    """The kernel's gradient of lesson 33, by hand −0.5, 5; 1, −1.5; flipped, two of them change."""
    argv = ("grade", "convolution", "dL/dk")
    for right in ("[[-0.5, 5], [1, -1.5]]", "-0.5 5; 1 -1.5", "[[-1/2, 5], [1, -3/2]]"):
        assert run(*argv, "--", right)[:2] == (0, "correct: Right.\n")
    code, out, _ = run(*argv, "[[-0.5, 1], [5, -1.5]]", "--format", "json")
    record = json.loads(out)
    assert code == 1 and (record["verdict"], record["misconception"]) == ("misconception", "kernel-flipped")
    assert record["expected"] == [[-0.5, 5], [1, -1.5]] and record["credit"] == 0.5
    assert record["cells"] == ["correct", "misconception", "misconception", "correct"]
    code, out, _ = run(*argv, "[[-0.5, 1], [5, -1.5]]")
    assert code == 1 and out.endswith(" = [[−0.5, 5], [1, −1.5]]\n")
    code, out, _ = run(*argv, "1 2 3")
    assert code == 1 and out.startswith("not-understood: Give 2 rows of 2 numbers")


def test_an_answer_that_begins_with_a_minus_comes_after_two(run):
    assert run("grade", "o-classification", "dL/dz2[1]", "--", "-0.5371")[0] == 0
    assert run("grade", "--format", "json", "o-classification", "dL/dz2[1]", "--", "-dL/da2[1]")[0] == 1


def test_an_earlier_answer_of_the_learners_own_is_carried(run):
    argv = ("grade", "o-classification", "dL/dz1[2]", "--format", "json")
    record = json.loads(run(*argv, "--given", "dL/dz2[1]=0.537", "--", "-0.0804")[1])
    assert record["verdict"] == "carried" and record["misconception"] is None
    assert json.loads(run(*argv, "--given", "dL/dz2[1]=−0.537", "0.0804")[1])["verdict"] == "correct"
    for bad in ("dL/dz2[1]", "dL/dz2[1]=abc", "=3", "nope=3", "dL/dz2[1]=nan"):
        assert is_refused(run(*argv, "--given", bad, "0.1"))


@pytest.mark.parametrize(("notation", "name"), [("delta", "z2"), ("error", "W2"), ("nabla", "a1")])
def test_a_name_with_two_meanings_is_asked_about(notation, name, run):
    """The name on the screen is also the id of another quantity: it is never guessed which is meant."""
    argv = ("grade", "o-classification", "dL/dW1[1,1]", f"{name} * 2", "--notation", notation, "--format", "json")
    code, out, _ = run(*argv)
    record = json.loads(out)
    assert (code, record["verdict"]) == (1, "not-understood")
    assert f"{name} has more than one meaning here" in record["message"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["o-classification", "dL/dz9", "1"], ["dL/dz9"]),
        (["digits", "dL/dW1", "1"], ["dL/dW1[1,1]", "diagnose"]),
        (["o-classification", "a1[1]", "1", "--notation", "x"], ["notation"]),
        (["o-classification", "a1[1]"], ["ANSWER"]),
        (["no-such", "a1[1]", "1"], ["no-such"]),
        (["o-classification", "a1[1]", "1", "--iteration", "0"], ["--iteration"]),
    ],
)
def test_bad_usage_of_grade(argv, words, run):
    assert is_refused(run("grade", *argv), *words)


AUTHORED = """
format = 1
title = "t"
[network]
inputs = 2
loss = "half_squared_error"
[[network.layers]]
units = 3
activation = "sigmoid"
weights = [[0.5, -0.4], [0.3, 0.7], [0.2, 0.1]]
[[network.layers]]
units = 1
weights = [[0.9, -0.7, 0.3]]
[[examples]]
inputs = [1.2, 0.8]
targets = [1]
[training]
learning_rate = 0.1
[[questions]]
step = "dL/da2"
wrong = [{ answer = 0.8141, says = "You took the target less the prediction." }]
[[questions]]
ask = "What is 2 + 2?"
answer = 4
wrong = [{ answer = 5, says = "Count again." }]
[[questions]]
ask = "Which?"
choices = ["this", "that"]
answer = 2
wrong = [{ answer = 1, says = "Not this." }]
[[questions]]
step = "dL/dW1"
kind = "shape"
wrong = [{ answer = "2 x 3", says = "Turned round." }]
[[questions]]
step = "dL/dW2"
kind = "matrix"
[[questions]]
step = "z1"
kind = "formula"
"""


@pytest.mark.parametrize(
    ("asked", "answer", "code", "words"),
    [
        ("dL/da2", "0.8141", 1, "misconception: You took the target less the prediction."),
        ("dL/da2[1]", "0.814", 1, "misconception: You took the target less the prediction."),
        ("1", "0.8141", 1, "misconception: You took the target less the prediction."),
        ("1", "-0.814", 0, "correct: Right."),
        ("2", "4", 0, "correct"),
        ("2", "5", 1, "misconception: Count again."),
        ("2", "6", 1, "wrong: That is not it.\n  It is 4."),
        ("3", "2", 0, "correct"),
        ("3", "that", 0, "correct"),
        ("3", "1", 1, "misconception: Not this.\n  It is that."),
        ("4", "3 x 2", 0, "correct"),
        ("4", "2 x 3", 1, "misconception: Turned round."),
        ("5", "1 2 3", 1, "0 of 3 right"),
        ("3", "neither", 1, "not-understood"),
    ],
)
def test_what_the_author_wrote_is_graded_as_the_quiz_does(asked, answer, code, words, run, folder):
    (folder / "t.toml").write_text(AUTHORED, encoding="utf-8")
    found, out, _ = run("grade", "t.toml", asked, "--", answer)
    assert found == code and words in out, out
    record = json.loads(run("grade", "--format", "json", "t.toml", asked, "--", answer)[1])
    assert record["verdict"] == out.partition(":")[0]
    assert record.get("question") == (asked if asked.isdigit() else None)


@pytest.mark.parametrize(("asked", "words"), [("9", "has 6 questions"), ("0", "no question 0"), ("6", "only a quiz")])
def test_what_cannot_be_graded_by_number_is_told(asked, words, run, folder):
    (folder / "t.toml").write_text(AUTHORED, encoding="utf-8")
    assert is_refused(run("grade", "t.toml", asked, "1"), words)


def test_grade_keeps_nothing(run):
    run("grade", "o-classification", "a1[2]", "0.69")
    assert answers() == []


def test_the_table_of_misconceptions(run):
    code, out, _ = run("misconceptions", "--format", "json")
    records = json.loads(out)
    assert code == 0 and [record["id"] for record in records] == list(MISCONCEPTIONS)
    assert all(record.keys() == {"id", "title", "remedy", "seen"} and all(record.values()) for record in records)
    text = run("misconceptions")[1]
    assert all(f"{id}: " in text for id in MISCONCEPTIONS)


# ---------------------------------------------------------------- predict mode in lines


def test_predict_mode_in_lines_asks_before_it_shows(run):
    code, out, _ = run("play", "o-classification", "--plain", lines=["predict", "123", "hint", "0.8", "quit"])
    assert code == 0 and "Predict mode is on" in out
    asked, _, shown = out.partition("Predict mode is on")[2].partition("[z1[")
    assert "What is " in asked and "2 tries left" in asked and shown and "= 0.8" not in asked
    assert [a.verdict for a in answers()] == ["wrong", "correct"]


def test_predict_mode_is_remembered_in_lines(run):
    run("play", "o-classification", "--plain", lines=["predict", "show", "quit"])
    out = run("play", "gates", "--plain", lines=["", "quit"])[1]
    assert "What is q?" not in out, "it ends with its lesson"
    run("play", "gates", "--plain", lines=["predict always", "show", "quit"])
    out = run("play", "o-classification", "--plain", lines=["first", "show", "quit"])[1]
    assert "What is " in out and "It is " in out
    out = run("play", "gates", "--plain", lines=["first", "show", "predict", "", "quit"])[1]
    assert out.count("What is ") == 1 and "Predict mode is off" in out


def test_quit_at_a_question_quits(run):
    run("play", "gates", "--plain", lines=["predict", "show", "quit"])
    out = run("play", "gates", "--plain", lines=["quit", "n"])[1]
    assert "[q]" not in out and "= 3" not in out.partition("What is q?")[2]


# ---------------------------------------------------------------- placement


def test_a_placement_in_lines_ends_with_where_to_begin(run):
    code, out, err = run("placement", lines=["123456", "end"])
    assert code == 0 and not err and "Begin at the beginning" in out
    code, out, _ = run("placement", "--new", lines=["skip", "quit"])
    assert code == 0 and "The quiz is kept" in out
    assert "You go on with the quiz" in run("placement", lines=["quit"])[1]


def test_a_quiz_that_is_handed_out_is_the_same_for_all_and_begun_as_often_as_is_allowed(capsys, monkeypatch):
    def take(*argv, answers="\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        code = main(["quiz", "gates", "--plain", "--count", "2", *argv])
        said = capsys.readouterr()
        return code, said.out, said.err

    first = take("--as", "Exam 1", "--attempts", "1", answers="1\n")
    assert first[0] == 0
    again = take("--as", "exam 1", "--attempts", "1", answers="1\n2\n3\n")  # it was left: it goes on
    assert "You go on with the quiz" in again[1] and "You go on" not in take(answers="1\n")[1]
    code, out, err = take("--as", "exam 1", "--attempts", "1")
    assert code == 2 and "was begun once, and it may be begun once" in err and not out
    assert take("--as", "exam 1", "--attempts", "1", "--new")[0] == 2
    assert take("--as", "exam 1", "--attempts", "2", answers="1\n")[1].splitlines()[:4] == first[1].splitlines()[:4]
    assert take("--as", "exam 2", "--attempts", "1", answers="1\n")[0] == 0
    assert take("--attempts", "1")[0] == 2
