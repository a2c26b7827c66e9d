"""A class's results: rows, exports of many learners, what they got wrong, and 120 of them at once."""

from __future__ import annotations

import csv
import io
import json
import math
import random
from dataclasses import asdict

import pytest

from strategies import bundled
from tutor.cli.commands import main
from tutor.engine.trace import trace
from tutor.learner.classroom import (
    by_learner,
    by_question,
    by_skill,
    by_slip,
    read_exports,
    report_files,
    rows_of,
    table,
)
from tutor.learner.records import Stopwatch, keep_try
from tutor.learner.store import FORMAT, FORMAT_VERSION, Store
from tutor.questions.attempt import Asking, respond
from tutor.questions.items import item_of_value
from tutor.questions.mastery import GivenAnswer
from tutor.questions.question import Question
from tutor.text.writer import Writer

QUESTIONS = [f"value:q{at}" for at in range(10)]


def answered(item, verdict, misconception=None, at=0, given="0.5", id=""):
    time = f"2026-03-01T10:{at // 60:02}:{at % 60:02}+00:00"
    return GivenAnswer(
        "gates", item, "fork", "value", given, verdict, misconception, float(verdict == "correct"),
        seconds=6.0, at=time, id=id, asked=f"What is {item}?",
    )  # fmt: skip


@pytest.fixture(scope="module")
def class_of_120(tmp_path_factory):
    """Learners of known skill: who has skill s answers question q rightly with the chance σ(4(s − q/10))."""
    folder, rng = tmp_path_factory.mktemp("class"), random.Random(1)
    for number in range(120):
        answers, skill = [], number / 119
        for at, item in enumerate(QUESTIONS):
            right = rng.random() < 1 / (1 + math.exp(-8 * (skill - at / 10)))
            slip = None if right else ("target-minus-prediction" if at % 2 else "slope-lost")
            verdict = "correct" if right else "misconception"
            answers.append(asdict(answered(item, verdict, slip, at, id=f"{number} {at}")))
        export = {"format": FORMAT, "version": FORMAT_VERSION, "answers": answers}
        (folder / f"learner{number:03}.json").write_text(json.dumps(export))
    return folder


def test_a_class_is_reported_by_question_skill_slip_and_learner(class_of_120):
    learners = read_exports([class_of_120])
    assert len(learners) == 120 and sum(len(learner.answers) for learner in learners) == 1200
    questions = {q.question: q for q in by_question(learners)}
    easy = [questions[item].easy for item in QUESTIONS]
    assert easy == sorted(easy, reverse=True) and easy[0] > 0.85 and easy[-1] < 0.2  # as they were made
    assert all(q.tells > 0.2 and q.learners == 120 and q.tries == 1 for q in questions.values())
    people = by_learner(learners)
    assert people[0]["learner"] < "learner040" and people[-1]["learner"] > "learner080"
    (skill,) = by_skill(learners)
    assert skill["questions"] == 1200 and skill["right_at_first"] == pytest.approx(sum(easy) / 10)
    slips = by_slip(learners)
    wrong = sum(answer.verdict != "correct" for learner in learners for answer in learner.answers)
    assert {slip.slip for slip in slips} == {"target-minus-prediction", "slope-lost"}
    assert sum(slip.count for slip in slips) == wrong


def test_the_discrimination_is_the_corrected_correlation(class_of_120):
    np = pytest.importorskip("numpy")
    learners = read_exports([class_of_120])
    right = np.array([[a.verdict == "correct" for a in learner.answers] for learner in learners], dtype=float)
    for q in by_question(learners):
        at = QUESTIONS.index(q.question)
        rest = np.delete(right, at, axis=1).mean(axis=1)
        assert q.tells == pytest.approx(np.corrcoef(right[:, at], rest)[0, 1])


def test_the_same_file_twice_counts_once_and_names_can_be_left_out(class_of_120, tmp_path):
    file = next(iter(sorted(class_of_120.glob("*.json"))))
    copy = tmp_path / "copy of learner000.json"
    copy.write_bytes(file.read_bytes())
    assert len(read_exports([file, copy, file])) == 1
    files = report_files(read_exports([class_of_120]), names=False)
    assert not any("learner0" in text for text in files.values()) and "learner 17" in files["answers.csv"]
    assert len(list(csv.DictReader(io.StringIO(files["answers.csv"])))) == 1200


def test_report_writes_a_page_and_tables_and_overwrites_nothing(class_of_120, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["report", str(class_of_120), "-o", str(out)]) == 0
    assert "120 learners, 1,200 answers" in capsys.readouterr().out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "To talk about tomorrow" in page and "not for marks" in page and "<script" not in page
    assert {file.name for file in out.iterdir()} == {
        "report.html", "questions.csv", "skills.csv", "slips.csv", "learners.csv", "answers.csv",
    }  # fmt: skip
    assert main(["report", str(class_of_120), "-o", str(out)]) == 2 and "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content, says",
    [
        (None, "no *.json"),
        ("[1, 2", "not JSON"),
        ('{"format": "something"}', "no exported progress"),
        ('{"format": "backprop-tutor progress", "answers": [{"lesson": 1}]}', "answers[0] cannot be read"),
        ('{"format": "backprop-tutor progress", "version": 1, "answers": 7}', "answers[0] cannot be read"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_no_export_is_told(tmp_path, capsys, content, says):
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_progress_by_question_has_what_was_asked_and_what_was_typed(capsys):
    lesson = bundled("o-regression")
    here = trace(lesson)
    item = item_of_value(Question(here.find("dL/dW2[1,2]"), Writer(lesson, lesson.notation)))
    store = Store.open()
    asking = respond(Asking(item), "0.586")
    keep_try(store, lesson.id, asking, Stopwatch())
    assert main(["progress", "--by", "question", "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["typed"] == "0.586" and row["asked"] == item.prompt and row["step"] == "dL/dW2[1,2]"
    assert (row["verdict"], row["slip"], row["try"]) == ("misconception", asking.last.slips[0].misconception, 1)
    assert main(["progress", "--by", "question", "--format", "csv"]) == 0
    (line,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert line["question"] == "value:dL/dW2[1,2]" and list(line) == list(row)
    assert main(["progress", "--by", "question"]) == 0 and "'0.586' misconception" in capsys.readouterr().out


def test_a_formula_in_an_answer_is_none_in_a_spreadsheet():
    answers = [answered("value:z", "wrong", given='=HYPERLINK("http://x")'), answered("value:y", "wrong", given="-1")]
    rows = list(csv.DictReader(io.StringIO(table(rows_of(answers, "=a")))))
    assert rows[0]["typed"].startswith("'=") and rows[0]["learner"] == "'=a" and rows[1]["typed"] == "'-1"


# ---------------------------------------------------------------- many answers at once


def test_many_answers_are_graded_in_one_go(tmp_path, capsys):
    file = tmp_path / "answers.csv"
    file.write_text(
        "\ufeffwho;question;answer\nAda;dL/dW2[1,2];-0.586\nBob;dL/dW2[1,2];0,586\nCem;1;-1.332\n\n"
        "Dee;dL/dW2;[[-1.25, -0.586]]\nEve;nope;1\n",
        encoding="utf-8",
    )
    assert main(["grade", "o-regression", "--answers", str(file), "--format", "csv"]) == 2
    said = capsys.readouterr()
    rows = {row["who"]: row for row in csv.DictReader(io.StringIO(said.out))}
    assert {who: row["verdict"] for who, row in rows.items()} == {
        "Ada": "correct", "Bob": "misconception", "Cem": "correct", "Dee": "correct",
    }  # fmt: skip
    assert rows["Bob"]["misconception"] and rows["Bob"]["right"] == "False" and rows["Ada"]["credit"] == "1"
    assert said.err.count("\n") == 1 and ":7:" in said.err and "nope" in said.err


def test_thousands_of_answers_open_the_lesson_once(tmp_path, capsys, monkeypatch):
    from tutor.lessonfiles import check

    file = tmp_path / "answers.csv"
    file.write_text("".join(f"w{at},dL/dz2[1],{at / 1000}\n" for at in range(2000)), encoding="utf-8")
    opened, load = [], check.load
    monkeypatch.setattr(check, "load", lambda path: opened.append(path) or load(path))
    assert main(["grade", "o-classification", "--answers", str(file), "--format", "json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 2000 and len(opened) == 1


@pytest.mark.parametrize(
    "argv, says",
    [
        (["gates"], "STEP"),
        (["gates", "f"], "ANSWER"),
        (["gates", "f", "1", "--answers", "x"], "leave out STEP"),
        (["gates", "f", "1", "--format", "csv"], "goes with --answers"),
        (["gates", "--answers", "/nowhere.csv"], "cannot read"),
    ],
)
def test_what_grade_wants_is_told(argv, says, capsys):
    assert main(["grade", *argv]) == 2 and says in capsys.readouterr().err


def test_commas_within_brackets_need_no_quotes(tmp_path, capsys):
    file = tmp_path / "answers.csv"
    file.write_text('a,dL/dW2[1,2],-0.586\nb,"dL/dW2[1,2]",-0.586\nc,dL/dW2,[[-1.25, -0.586]]\n', encoding="utf-8")
    assert main(["grade", "o-regression", "--answers", str(file)]) == 0 and "3 of 3 right" in capsys.readouterr().out


def test_a_row_with_too_few_cells_is_told_by_its_line(tmp_path, capsys):
    file = tmp_path / "answers.csv"
    file.write_text("a,f,1\nb,f\n", encoding="utf-8")
    assert main(["grade", "gates", "--answers", str(file)]) == 2 and ":2:" in capsys.readouterr().err
