"""Line mode: what a learner, a screen reader or a script types, and what it is told."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from strategies import bundled
from tutor.cli.line_mode import LineMode, help_rows
from tutor.cli.patience import patient_iteration
from tutor.engine.lesson import Note
from tutor.engine.run import MAX_ITERATION, Run
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.play.commands import said_of_key
from tutor.play.place import Place
from tutor.text.notations import NOTATIONS
from tutor.text.words import whole_number

BATCH = """
format = 1
title = "Two of three rows"
outro = "Well done."
[network]
inputs = 2
loss = "squared_error"
[[network.layers]]
units = 2
activation = "tanh"
weights = [[0.1, 0.2], [0.3, 0.4]]
[[network.layers]]
units = 1
weights = [[0.5, 0.6]]
[[examples]]
inputs = [1, 2]
targets = [0]
[[examples]]
inputs = [-1, 2]
targets = [1]
[[examples]]
inputs = [0.5, 0.25]
targets = [0.3]
[training]
batch = 2
learning_rate = 0.1
"""


@pytest.fixture
def store(data_folder):
    with Store.open() as opened:
        yield opened


@pytest.fixture
def batch(tmp_path):
    path = tmp_path / "batch.toml"
    path.write_text(BATCH)
    return load(path)


lesson = bundled


def play(what, store, *lines, resume=False, unattended=False):
    """Plays with these lines of input; what was said, and the mode as it was left."""
    found = lesson(what) if isinstance(what, str) else what
    said: list[str] = []
    waiting = iter(lines)
    mode = LineMode(found, found.id, store, lambda prompt: next(waiting, None), said.append)
    mode.play(resume, unattended)
    return "\n".join(said), mode


def answers(what, store, *lines):
    """What each line was answered, the opening left out."""
    found = lesson(what) if isinstance(what, str) else what
    said: list[str] = []
    mode = LineMode(found, found.id, store, lambda prompt: None, said.append)
    replies = []
    for line in lines:
        said.clear()
        mode._obey(line)
        replies.append("\n".join(said))
    return replies


def shown(text):
    return re.findall(r"^\[(.+?\]?(?:@\d+)?)\] ", text, re.MULTILINE)


def test_it_opens_with_the_intro_the_conventions_and_the_first_step(store):
    text, _ = play("o-classification", store)
    assert text.startswith("Two inputs, yes or no\n\nWill a student with this IQ")
    assert "Loss of one example: −(y · ln ŷ + (1 − y) · ln (1 − ŷ))." in text and "Update: learning rate 0.5" in text
    assert text.index("`help` lists the commands") < text.index("[z1[1]] Pre-activation of the hidden layer")
    assert "output leave plain ŷ − y." in " ".join(text.split())  # names are filled in


@pytest.mark.parametrize("id", [entry.id for entry in catalogue.entries()])
def test_enter_goes_through_the_whole_lesson(id, store):
    found = lesson(id)
    text, mode = play(found, store, *[""] * 500)
    steps = mode.sitting.trace.steps("matrix" if found.level == "matrix" else "scalar")
    assert shown(text) == [step.id for step in steps if not step.example]  # of a batch its first example
    assert "The lesson is finished." in text
    assert found.outro.split()[-1] in text and store.finished() == {id}
    assert all(len(line) <= 80 for line in text.splitlines() if "=" not in line and line[:1] != "[")


def test_unattended_it_steps_on_by_itself_and_remembers_nothing(store):
    text, _ = play("gates", store, unattended=True)
    assert shown(text) == ["q", "f", "df/dq", "df/dz", "df/dx", "df/dy", "x'", "y'", "z'"]
    assert "Next: *Forks" in text  # the outro
    assert store.finished() == set() and store.place("gates") is None


def test_quit_quits_even_unattended(store):
    text, _ = play("gates", store, "next", "quit", "next", unattended=True)
    assert shown(text) == ["q", "f"]


def test_the_end_is_left_by_another_enter_or_goes_on(store):
    text, mode = play("gates", store, "last", "", "iteration 2", "", "", "back")
    assert text.count("Enter leaves, `iteration 2` goes on training") == 1
    assert "`iteration 3` goes on training" in text
    assert mode.sitting.cursor.iteration == 2 and shown(text) == ["q", "z'", "z'"]  # the second Enter left: no back


def test_a_finished_lesson_begins_at_the_start_again(store):
    play("gates", store, "last", "", "")
    assert store.place("gates").step == "q"
    assert "You go on" not in play("gates", store, resume=True)[0]


def test_the_place_is_kept(store):
    play("o-classification", store, "go dL/dW1[2,1]", "notation delta", "iteration 3", "quit")
    place = Place("dL/dW1[2,1]", "scalar", "delta", 3, 0, (1, 0))
    assert store.place("o-classification") == place
    text, mode = play("o-classification", store, resume=True)
    assert "You go on at dL/dW1[2,1] in iteration 3." in text and shown(text) == ["dL/dW1[2,1]"]
    assert (mode.sitting.cursor.notation, mode.sitting.cursor.trail) == ("delta", ())
    assert "You go on" not in play("o-classification", store)[0]


def test_the_example_is_kept(batch, store):
    play(batch, store, "level matrix", "go dL/dz2@2")
    text, mode = play(batch, store, resume=True)
    assert shown(text) == ["dL/dz2@2"] and mode.sitting.cursor.example == 1


@pytest.mark.parametrize(
    "place",
    [
        Place("dL/dW9", "scalar", "dz", 1, 0),
        Place("z1[7]", "scalar", "dz", 1, 0),
        Place("z2", "poem", "klingon", 0, 99, (5, 5, 5)),
        Place("z2", "scalar", "dz", 10**15, 0),
        Place("L@7", "matrix", "dz", 2, 7),
    ],
)
def test_a_place_that_is_no_more_does_no_harm(place, store):
    store.save_place("o-classification", place)
    text, _ = play("o-classification", store, "", resume=True)
    assert len(shown(text)) == 2


def test_commands_of_moving(store):
    said = answers("gates", store, "n", "back", "b", "phase", "phase", "-phase", "-phase", "last", "first", "again")
    assert [shown(text) for text in said] == [
        ["f"], ["q"], [], ["df/dq"], ["x'"], ["df/dq"], ["q"], ["z'"], ["q"], ["q"],
    ]  # fmt: skip
    assert said[2] == "This is the first step."


def test_going_to_a_step_and_back(store):
    lines = ("go dL/dW2[1,2]", "return", "return", "dL/dz1", "go", "go dl/dz1", "nonsense", "go da2/dz2", "next")
    said = answers("o-classification", store, *lines)
    assert [shown(text) for text in said] == [
        ["dL/dW2[1,2]"], ["z1[1]"], [], ["dL/dz1[1]"], [], [], [], ["da2/dz2[1]"], ["dL/dz1[1]"],
    ]  # fmt: skip
    assert said[2] == "There is no jump to return from."
    assert said[4].startswith("Say which step")
    assert "no step 'dl/dz1'" in said[5] and "did you mean 'dL/dz1'" in said[5]
    assert said[6] == "'nonsense' is neither a command nor a step; `help` lists the commands."


def test_a_step_goes_before_a_command_in_capitals(store):
    loss, level, quiet = answers("o-classification", store, "L", "l", "LEVEL story")
    assert shown(loss) == ["L"] and "Loss" in loss
    assert shown(level) == ["L"] and "price" not in level
    assert "names the price" in quiet


def test_a_key_of_a_lessons_text_is_told_in_line_mode(store):
    """Lessons say keys of the full screen: who reads them in lines learns what that is here."""
    for entry in catalogue.entries():
        lesson = load(catalogue.find(entry.id))
        for text in (lesson.intro, lesson.outro, *(note.text for note in lesson.notes)):
            for key in re.findall(r"(?:press|keys?|with|\() ?`(\S)`", text):
                assert said_of_key(key), (entry.id, key)
    said = answers("dead-unit", store, "x", ".", "2", "D", "tab", "p")
    assert said[0] == "`x` is a key of the full screen: in line mode it is `train N`."
    assert "`iteration N`" in said[1] and "`level scalar`" in said[2] and "`diagnose FILE`" in said[3]
    assert "a screen has panes" in said[4] and said[5].startswith("Predict mode is on")


def test_the_names_tell_what_is_learned_from_what_is_given(store):
    (said,) = [text for text in answers("lstm", store, "names") if "Wf" in text]
    assert "Wf: a parameter: training changes it" in said and "y: given: it stays as it is" in said
    assert "h0: an input" in said


def test_levels_and_notations(store):
    said = answers("o-classification", store, "level", "level story", "level poem", "notation nabla", "t", "notation x")
    assert shown(said[0]) == ["z1"] and "listens" in said[1]
    assert said[2] == "There is no level 'poem'; there are: story, scalar, matrix."
    assert said[5] == f"There is no notation 'x'; there are: {', '.join(NOTATIONS)}."
    nabla, error = answers("o-classification", store, "notation nabla", "t")
    assert "a₁₁ = W₁₁₁ · iq + W₁₁₂ · cgpa" in nabla and "z₁² = w₁₁² · iq + w₁₂² · cgpa" in error


def test_iterations(store):
    said = answers("gates", store, "f", "iteration 2", "iteration 0", "iteration", "iteration -1", "iteration ٣",
                   "iteration 1000001", "iteration " + "9" * 5000, "iteration 1.5")  # fmt: skip
    assert "iteration 2)" in said[1] and "[q]" in said[1]
    assert set(said[2:]) == {f"Say which iteration: a number from 1 to {MAX_ITERATION:,}."}


def test_an_untrained_lesson_has_one_iteration(tmp_path, store):
    path = tmp_path / "t.toml"
    path.write_text('format = 1\ntitle = "T"\n[circuit]\ndefine = ["f = x + 1"]\noutput = "f"\ninputs = { x = 1 }\n')
    said = answers(load(path), store, "iteration 1", "example 1")
    assert said == [
        "This lesson is not trained: it has one iteration.",
        "A circuit has no examples.",
    ]
    text, _ = play(load(path), store, "last", "")
    assert "The lesson is finished.\nEnter leaves, `first` starts again." in text


def test_one_path_is_spoken_of_as_one(store):
    """The first input of example 1 is 0, so the only path from its weight carries nothing."""
    (said,) = answers(load(catalogue.find("batch-mean")), store, "chain dL/dW1[1,1]@1")
    assert "The path has a factor 0 and carries nothing." in said
    said = answers(load(catalogue.find("relu-mlp")), store, "chain dL/dW1[1,1]")[0]
    assert "1 of the paths have" not in said


def test_a_circuit_converges_by_its_output(store):
    said = " ".join(answers(load(catalogue.find("adam")), store, "train converge")[0].split())
    assert "Converged after" in said and "neither the output nor any parameter changed" in said


def test_examples_of_a_batch(batch, store):
    said = answers(batch, store, "example 2", "example 3", "example x", "iteration 2", "dL/dW2", "iteration 1")
    assert shown(said[0]) == ["z1[1]@2"] and "example 2 of 2" in said[0]
    assert said[1] == said[2] == "Say which example of the batch: a number from 1 to 2."
    assert shown(said[3]) == ["z1[1]"]  # its batch is one row
    assert [shown(text)[0].partition("[")[0] for text in said[4:]] == ["dL/dW2", "dL/dW2"]


def test_where_a_step_comes_from(store):
    said = answers("o-classification", store, "level matrix", "go dL/dz2", "from")[2]
    assert said == "  ŷ = [0.4629] (step a2)\n  y = [1] (given)\n"
    given = answers("gates", store, "from")[0]
    assert given == "  x = −2 (given)\n  y = 5 (given)\n"


def test_the_state_tells_only_what_was_reached(store):
    first, later = answers("gates", store, "state", "state")
    assert first == later == "  x = −2\n  y = 5\n  z = −4\n  q = 3\n"
    assert "  f = −12\n" in answers("gates", store, "next", "back", "state")[2]


def test_the_list_of_steps(store):
    text = answers("gates", store, "next", "steps")[1]
    assert text.startswith("  forward\n    q            q\n  > f            f\n  backward\n    df/dq        ∂f/∂q\n")
    assert text.count("\n") == 3 + 9


def test_every_command_of_the_help_is_one(store):
    commands = {part.split()[0] for usage in help_rows() for part in usage.split(",")} - {"Enter", "quit"}
    for command in commands:
        (said,) = answers("gates", store, command)
        assert said and "neither a command" not in said
    (said,) = answers("gates", store, "help")
    assert " ".join(said.split()) == " ".join(" ".join(row) for row in help_rows().items())
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize(
    "line", ["\x1b[31mred\x1b[0m", "\u202eevil", "a\x00b", "\udcff", "\x9b31m", "go \x1b]0;x\x07", "level \x1b"]
)
def test_what_was_typed_is_echoed_escaped(line, store):
    (said,) = answers("gates", store, line)
    assert said and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", said)


@pytest.mark.parametrize("line", [start + "1," * 50_000 for start in ("", "go ", "level ", "dL/dW2[", "example ")])
def test_a_very_long_line_gets_a_short_answer(line, store):
    (said,) = answers("gates", store, line)
    assert 0 < len(said) < 200


def test_a_long_way_is_told_and_can_be_stopped(store, monkeypatch):
    found = lesson("gates")
    told: list[str] = []

    class Slow:
        """A run that reports twice on its way, as one of some seconds does."""

        def iteration(self, number, progress):
            return all(progress(at) for at in (1_000, 60_000)) and run.iteration(1)

    run = Run(found)
    assert patient_iteration(Slow(), 100_000, told.append, every=0) is not None
    assert told == [
        f"Training on the way to iteration 100,000: now at {at}. Ctrl+C stops." for at in ("1,000", "60,000")
    ]
    assert patient_iteration(Slow(), 100_000, told.append, every=1000) and len(told) == 2, "no word on a short way"

    _, mode = play(found, store, "next", "iteration 3")
    assert mode.sitting.cursor.iteration == 3

    def interrupt(number, progress=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(mode.sitting.run, "iteration", interrupt)
    said: list[str] = []
    mode.say = said.append
    assert mode._obey("iteration 900000")
    assert said == ["\nStopped: this is still iteration 3."]
    assert mode.sitting.cursor.iteration == 3 and mode.sitting.trace.iteration.number == 3


@pytest.mark.parametrize(
    "text, number",
    [("1", 1), (" 7 ", 7), ("007", 7), ("100", 100), ("101", None), ("0", None), ("", None), ("-1", None), ("+1", None),
     ("1e2", None), ("٣", None), ("²", None), ("9" * 10_000, None), ("0" * 10_000 + "5", 5), ("1_0", None)],
)  # fmt: skip
def test_whole_numbers(text, number):
    assert whole_number(text, 100) == number


def test_map_tells_the_network_as_far_as_it_is_known(store):
    said, _ = play("o-classification", store, "go a1[1]", "map", "go dL/dz2", "map")
    early, late = (part.partition("target")[0] for part in said.split("input: 2 units")[1:])
    assert "> b₁₁ = 0.1   z_prev₁ = 0.38   O₁₁ = 0.5939" in early and "O₁₂ = ·" in early
    assert "> b₂₁ = −0.2" in late and "∂L/∂z_fin = −0.5371" in late and "O₁₂ = 0.6900" in late


def test_without_anybody_to_answer_the_questions_a_lesson_can_still_be_read(store):
    """`play --plain < /dev/null` in predict mode: the question where the input ends, then every step, to the outro."""
    store.save_setting("predict", True)
    text, _ = play("gates", store, unattended=True)
    assert text.count("significant digits") == 1 and "= −12" in text and "Next:" in text
    assert store.setting("predict") is True, "for the next time it stays on"


def test_all_questions_of_a_step_are_put_and_those_about_no_step_at_the_last(store):
    """06-one-neuron has two questions that belong to no step."""
    store.save_setting("predict", True)
    found = lesson("one-neuron")
    text, _ = play(found, store, "last", "show", "show", "show", "quit")
    free = [question.ask for question in found.questions if question.ask and not question.step]
    assert len(free) == 2 and all(ask in " ".join(text.split()) for ask in free)


def test_a_level_is_named_by_its_number_too_and_a_question_ends_with_its_mark(store):
    said = answers("gates", store, "level 3", "level 9", "go df/dw")
    assert "There is no level" not in said[0] and "There is no level '9'" in said[1]
    assert "its gradients are df/dq, df/dz, df/dx, df/dy" in " ".join(said[2].split())


def test_questions_are_wrapped_to_the_columns_of_line_mode(store):
    said = answers("gates", store, "predict", "next", "show", "next", "show")
    assert max(len(row) for text in said for row in text.splitlines() if "What is" in row or "`help`" in row) <= 80


def test_a_chain_is_put_together_in_lines(store):
    """f = q z, q = x + y, at x = −2, y = 5, z = −4: which factor, its value, the next, the product."""
    text, _ = play("gates", store, "build df/dx", "show", "3", "-4", "show", "5", "quit", "quit")
    assert "∂f/∂x = ? · … Which factor comes first?" in text
    assert "It is ∂f/∂q." in text and "∂f/∂x = ∂f/∂q · …" in text
    assert "What is the factor ∂f/∂q?" in text and "own input" in text, "q = 3 was given"
    refused = answers("gates", store, "build q")
    assert "no gradient with a chain" in refused[0]


def test_a_note_is_said_once_a_step_and_again_when_the_step_is(store):
    """Not for each of its elements; a note that says another thing there is said, and so is it on the next visit."""
    found = replace(
        lesson("o-classification"),
        notes=(Note("z1", "On both."), Note("z1[2]", "On the second."), Note("a1", "It is {=a1}.")),
    )
    mode = LineMode(found, "own", store, lambda prompt: None, (said := []).append)

    def notes(line):
        said.clear()
        mode._obey(line)
        return re.findall(r"^  \| (.*)", "\n".join(said), re.MULTILINE)

    assert notes("first") == ["On both."] and notes("next") == ["On the second."]
    assert notes("again") == ["On both.", "On the second."] and notes("unfold") == notes("level matrix") == []
    assert notes("next") == ["It is [0.5939, 0.6900]."]
    assert notes("back") == ["On both.", "On the second."]
    mode._obey("note mine")
    assert notes("level scalar") == ["my note: mine"] and notes("level story") == []
