"""The command `train`, as a learner and a program meet it."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from effort import PATIENCE
from strategies import bundled
from test_cli import is_refused, program
from tutor.cli.commands import main
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import Run
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load

ROOT = Path(__file__).resolve().parent.parent
STEADY = [
    entry.id
    for entry in catalogue.entries()
    if bundled(entry.id).training and entry.id != "exploding"  # which diverges
]
UNTRAINED = 'format = 1\ntitle = "T"\n[circuit]\ndefine = ["f = x * y"]\noutput = "f"\ninputs = { x = 1, y = 2 }\n'
TRAINED = UNTRAINED + "[training]\nlearning_rate = {rate}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "untrained.toml").write_text(UNTRAINED)
    (tmp_path / "wild.toml").write_text(TRAINED.replace("{rate}", "50.0").replace("x * y", "x * x * y"))
    return tmp_path


@pytest.fixture
def run(capsys):
    def run(*argv: str) -> tuple[int, str, str]:
        code = main(list(argv))
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def record(run):
    """The JSON of a training that ends well."""

    def record(*argv: str) -> dict:
        code, out, err = run("train", *argv, "--format", "json")
        assert (code, err) == (0, "") and out.endswith("}\n")
        return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    return record


@pytest.mark.parametrize("id", STEADY)
def test_the_record_is_that_of_the_run(id, record):
    lesson = load(catalogue.find(id))
    found, true = record(id, "--iterations", "37", "--losses", "all"), Run(lesson)
    true.train(37)
    assert (found["lesson"], found["iterations"], found["stopped"]) == (id, 37, "done")
    assert found["epochs"] == 37 // iterations_per_epoch(lesson)
    assert found["losses"] == [[n, loss] for n, loss in enumerate(true.losses.tolist(), start=1)]
    final = true.parameters(38)
    assert list(found["parameters"]) == list(final)
    assert all(np.array_equal(found["parameters"][key], value) for key, value in final.items())


def test_how_long(record):
    assert record("gates")["iterations"] == 100
    assert record("o-regression")["epochs"] == 100 and record("o-regression")["iterations"] == 200
    assert record("o-regression", "--epochs", "3")["iterations"] == 6
    assert record("o-regression", "--iterations", "3")["epochs"] == 1
    assert record("c-431", "--until-converged")["stopped"] == "converged"


def test_at_most_a_thousand_losses_unless_all_are_wanted(record):
    some = record("p-deep", "--iterations", "2345")["losses"]
    every = record("p-deep", "--iterations", "2345", "--losses", "all")["losses"]
    assert len(every) == 2345 and 900 < len(some) <= 1000
    assert some[0] == every[0] and some[-1] == every[-1] and all(pair == every[pair[0] - 1] for pair in some)
    steps = np.diff([number for number, _ in some])
    assert steps.min() >= 2 and steps.max() <= 3, "evenly spread"


def test_diverging_is_valid_json_and_explained(record, run):
    found = record("./wild.toml")
    assert found["stopped"] == "diverged" and found["diverged"] == found["iterations"] < 100
    assert "iteration" in found["why"] and "no minimum" in found["why"], "a cube falls without end"
    assert all(np.isfinite(value) for value in found["parameters"].values())
    code, out, err = run("train", "./wild.toml")
    assert (code, err) == (0, "") and "Training diverged." in out
    assert "nan" not in out.lower().replace("undefined (nan)", "") and "Traceback" not in out


@pytest.mark.parametrize(("id", "notation"), list(zip(STEADY, cycle(["dz", "delta", "partials"]), strict=False)))
def test_the_text_says_losses_parameters_and_what_happened(id, notation, run):
    code, out, err = run("train", id, "--epochs", "30", "--notation", notation)
    assert (code, err) == (0, "") and load(catalogue.find(id)).title in out
    rows = re.findall(r"^ +([\d,]+)  (\S+)(?: +\d+ of \d+ right.*)?$", out, re.MULTILINE)
    assert [row[0] for row in rows] == ["1", "2", "5", "10", "20", "30"]
    assert "Trained for" in out and "\n\n\n" not in out and len(out.splitlines()) < 30


def test_every_loss_in_the_text(run):
    out = run("train", "o-regression", "--iterations", "25", "--losses", "all")[1]
    assert len(re.findall(r"^ +[\d,]+  \S+$", out, re.MULTILINE)) == 25


def test_converging_says_what_that_means(run):
    out = " ".join(run("train", "c-431", "--until-converged")[1].split())
    assert "Converged after" in out and "neither the mean loss nor any parameter changed" in out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], ["LESSON"]),
        (["nowhere"], ["no lesson 'nowhere'"]),
        (["./untrained.toml"], ["is not trained", "[training]"]),
        (["gates", "--epochs", "0"], ["--epochs", "1 to 100,000,000"]),
        (["gates", "--epochs", ""], ["--epochs", "whole number"]),
        (["o-regression", "--epochs", "50000001"], ["--epochs", "1 to 50,000,000"]),
        (["gates", "--iterations", "many"], ["--iterations", "'many'"]),
        (["gates", "--iterations=-1"], ["--iterations", "'-1'"]),
        (["gates", "--iterations", "9" * 3000], ["--iterations"]),
        (["gates", "--iterations", "3", "--epochs", "3"], ["--epochs", "--iterations"]),
        (["gates", "--until-converged", "--epochs", "3"], ["--epochs", "--until-converged"]),
        (["gates", "--format", "xml"], ["xml", "json"]),
        (["gates", "--losses", "none"], ["none", "all"]),
        (["gates", "--notation", "deltas"], ["did you mean 'delta'"]),
    ],
)
def test_bad_usage_is_one_line(argv, words, run):
    assert is_refused(run("train", *argv), *words)


def test_ctrl_c_prints_what_was_trained(run, monkeypatch):
    """A real signal, a tenth of a second into training that takes two."""
    train, timer = Run.train, threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))

    def begun(self, *args):
        timer.start()
        return train(self, *args)

    monkeypatch.setattr(Run, "train", begun)
    code, out, err = run("train", "p-deep", "--iterations", "1000000", "--format", "json")
    timer.join()
    found = json.loads(out)
    assert (code, err, found["stopped"]) == (130, "", "cancelled")
    assert 0 < len(found["losses"]) == min(found["iterations"], 1000) and found["iterations"] < 1_000_000


def test_ctrl_c_in_the_middle(run, monkeypatch):
    plain = Run._iterate

    def interrupted(self, start, stop):
        if start >= 500:
            raise KeyboardInterrupt
        return plain(self, start, stop)

    monkeypatch.setattr(Run, "_iterate", interrupted)
    code, out, err = run("train", "p-deep", "--iterations", "5000", "--format", "json")
    found = json.loads(out)
    assert (code, err, found["stopped"]) == (130, "", "cancelled")
    assert 499 <= found["iterations"] < 5000 and found["losses"][-1][0] == found["iterations"]
    code, out, _ = run("train", "p-deep", "--iterations", "5000")
    assert code == 130 and re.search(r"Stopped after [\d,]+ iterations", out)


# ---------------------------------------------------------------- the contract


def page() -> str:
    return (ROOT / "docs" / "train-json.md").read_text(encoding="utf-8")


def test_every_key_is_documented(record):
    assert set(record("gates")) == set(re.findall(r"^\| `([^`]+)` \|", page(), re.MULTILINE))


def test_the_example_in_the_documentation_is_real_output(run):
    command, example = re.search(r"```sh\nbackprop-tutor (.*)\n```.*?```json\n(.*?)```", page(), re.DOTALL).groups()
    code, out, _ = run(*command.split())
    real, shown = json.loads(out), json.loads(example)
    assert code == 0 and list(real) == list(shown)
    for key in real:
        if key == "parameters":
            assert real[key] == pytest.approx(shown[key], rel=1e-12)
        else:
            assert real[key] == shown[key]


def test_standard_output_is_utf_8_for_programs(folder):
    process = program("train", "o-regression", "--format", "json", env={"LC_ALL": "C", "PYTHONIOENCODING": ""})
    out, _ = process.communicate(timeout=PATIENCE)
    assert json.loads(out.decode("utf-8"))["iterations"] == 200 and sys.getdefaultencoding() == "utf-8"
