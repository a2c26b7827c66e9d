"""The tutor from Python: what docs/api.md promises. `tutor.load` and the other public names are these.

A thin layer: a `Lesson` makes a `Trace` of any iteration, that a `Step` by its id; what they say is data (floats,
arrays of one's own, texts), so that nobody need know the rooms behind. All objects are frozen; arrays that
are handed out are copies.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine import gradient_check
from tutor.engine import lesson as engine
from tutor.engine.expressions import Ref
from tutor.engine.lesson import as_level
from tutor.engine.parsing import did_you_mean
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import MAX_ITERATION, TOLERANCE, Iteration, Run
from tutor.engine.trace import NoSuchStep as NoSuchStep
from tutor.engine.trace import Step as EngineStep
from tutor.engine.trace import Trace as EngineTrace
from tutor.lessonfiles import catalogue, check
from tutor.lessonfiles.positions import LessonError as LessonError
from tutor.lessonfiles.positions import Problem, given_source
from tutor.lessonfiles.writing import lesson_text, toml
from tutor.questions.authored import graded_item
from tutor.questions.diagnosis import compare, marked
from tutor.solutions import words as solution_words
from tutor.solutions.files import Handed
from tutor.solutions.judging import Diagnosis as Judged
from tutor.solutions.judging import diagnose as judge
from tutor.text import to_latex
from tutor.text.card import Card, Scribe
from tutor.text.layout import linear
from tutor.text.notations import NOTATIONS
from tutor.text.output import in_html, in_markdown, shown

Number = float | np.ndarray  # a float for one number, else a float64 array

# ---------------------------------------------------------------- opening


def load(lesson: str | os.PathLike[str]) -> Lesson:
    """A lesson by the id of a bundled one ("o-regression"), or by the path of a file.

    Raises LessonError with everything that is wrong with it (`.problems`), also where there is no such file.
    """
    name = os.fspath(lesson)
    is_path = os.sep in name or name.endswith(".toml") or not isinstance(lesson, str)
    bundled = None if is_path else catalogue.find(name)
    if bundled is None and not is_path and not os.path.exists(name):
        near = catalogue.nearest(name[:60])
        advice = f"did you mean '{near[0]}'?" if near else "give the id of a bundled lesson or the path of a file"
        raise LessonError([Problem(name, 1, 1, "there is no lesson of this id and no such file", advice)])
    return Lesson(check.load(bundled or Path(name)))


def loads(text: str, name: str = "lesson") -> Lesson:
    """A lesson from the text of a lesson file (docs/lesson-format.md); `name` is its id, and what problems call it.

    A file of examples that it names is looked for in the current folder. Raises LessonError.
    """
    return Lesson(replace(check.load(given_source(text, name)), path=None))


def network(
    weights: Sequence[Any],
    inputs: Any,
    targets: Any,
    *,
    biases: Sequence[Any] | None = None,
    activations: Sequence[str] | str = "linear",
    loss: str = "half_squared_error",
    title: str = "A network",
    notation: str = "dz",
    **training: Any,
) -> Lesson:
    """A lesson from arrays: NumPy's, or anything that has `tolist`, or lists of numbers.

    `weights[k]`  (units, units or inputs before): a row a unit of layer k + 1, a column a unit that feeds it.
    `biases[k]`   (units,), one number for all units, or False for none; None or left out: zeros.
    `activations` one a layer, or one for all.
    `inputs`      (examples, inputs), or (inputs,) for one example.
    `targets`     (examples, outputs), or (outputs,) for one example.
    `training`    as in a lesson file's [training]: learning_rate, optimizer, batch, seed, l2, momentum ...

    Raises LessonError with everything that is wrong, TypeError for what is no number.
    """
    matrices = [_plain(matrix) for matrix in weights]
    many = len(matrices)
    chosen = [activations] * many if isinstance(activations, str) else [str(name) for name in activations]
    shifts: list[Any] = [None] * many if biases is None else [None if b is None else _plain(b) for b in biases]
    for what, count in (("activations", len(chosen)), ("biases", len(shifts))):
        if count != many:
            raise LessonError([_problem(f"there are {many} layers of weights and {count} {what}: give one a layer")])
    if wrong := [at for at, matrix in enumerate(matrices) if not isinstance(matrix, list)]:
        raise LessonError([_problem(f"weights[{wrong[0]}] is no matrix: one row a unit, one column a unit before")])
    layers = []
    for matrix, bias, activation in zip(matrices, shifts, chosen, strict=True):
        layer: dict[str, Any] = {"units": len(matrix), "activation": activation}
        layers.append(layer | {"weights": matrix} | ({} if bias is None else {"biases": bias}))
    x, y = _rows(_plain(inputs)), _rows(_plain(targets))
    if len(x) != len(y):
        raise LessonError([_problem(f"there are {len(x)} examples of inputs and {len(y)} of targets")])
    return _made(
        {
            "title": title,
            "notation": notation,
            "network": {"inputs": len(x[0]) if x and isinstance(x[0], list) else 0, "loss": loss, "layers": layers},
            "examples": [{"inputs": a, "targets": b} for a, b in zip(x, y, strict=True)],
            "training": {key: _plain(value) for key, value in training.items()},
        }
    )


def circuit(
    *lines: str,
    inputs: Mapping[str, Any],
    output: str | None = None,
    parameters: Sequence[str] | None = None,
    data: Sequence[str] = (),
    examples: Sequence[Mapping[str, Any]] = (),
    repeat: Mapping[str, Sequence[int]] | None = None,
    title: str = "A circuit",
    notation: str = "dz",
    **training: Any,
) -> Lesson:
    """A circuit from its lines, 'q = x + y', and the values of its inputs; the output is the last line unless told.

    `inputs`      numbers, or arrays up to rank 4: NumPy's, or lists.
    `parameters`  the inputs that an update changes; None: all that are neither data nor set by examples.
    `data`        the inputs of which no gradient is wanted.
    `examples`    inputs by name, every example the same ones.
    `repeat`      {"t": (1, 3)}: a line with {t} stands for one line each time.
    `training`    as in a lesson file's [training]: with it the parameters are trained.

    Raises LessonError with everything that is wrong, TypeError for what is no number.
    """
    values: dict[str, Any] = {
        "title": title,
        "notation": notation,
        "circuit": {
            "define": [str(line) for line in lines],
            "output": output or (str(lines[-1]).partition("=")[0].strip() if lines else ""),
            **({} if parameters is None else {"parameters": list(parameters)}),
            **({"data": list(data)} if data else {}),
            **({"repeat": _plain(dict(repeat))} if repeat else {}),
            "inputs": {name: _plain(value) for name, value in inputs.items()},
        },
        **({"examples": [_plain(dict(example)) for example in examples]} if examples else {}),
    }
    return _made(values | ({"training": {key: _plain(v) for key, v in training.items()}} if training else {}))


def _made(values: dict[str, Any]) -> Lesson:
    """A lesson from values: they become the text of a file, which is checked as any other."""
    return loads(toml({"format": 1} | values))


def _plain(value: Any) -> Any:
    """Arrays as lists of numbers. Raises TypeError."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if not isinstance(value, str | bool | int | float):
        raise TypeError(f"numbers are needed here, not {type(value).__name__}")
    return value


def _rows(values: Any) -> list[Any]:
    """One row an example: of one example its row, or its number, alone will do."""
    if not isinstance(values, list):
        return [[values]]
    return values if values and isinstance(values[0], list) else [values]


def _problem(message: str) -> Problem:
    return Problem("lesson", 1, 1, message)


def _known(notation: str) -> str:
    if notation not in NOTATIONS:
        near = did_you_mean(notation, NOTATIONS)
        raise ValueError(f"there is no notation '{notation}'{near}; there are: {', '.join(NOTATIONS)}")
    return notation


# ---------------------------------------------------------------- a lesson


@dataclass(frozen=True, repr=False, eq=False)
class Lesson:
    """A network or a circuit with its numbers, and how it is trained."""

    _lesson: engine.Lesson

    def __repr__(self) -> str:
        return f"<Lesson {self.id}: {self.title}>"

    @property
    def id(self) -> str:
        """The id that the lesson is opened by."""
        return self._lesson.id

    @property
    def title(self) -> str:
        """What it is called."""
        return self._lesson.title

    @property
    def notation(self) -> str:
        """The notation that its traces are in unless told."""
        return self._lesson.notation

    @property
    def trained(self) -> bool:
        """Whether it is trained: a circuit without [training] has one iteration and no update."""
        return self._lesson.training is not None

    @cached_property
    def _run(self) -> Run:
        return Run(self._lesson)

    def trace(self, iteration: int = 1, notation: str | None = None) -> Trace:
        """The steps of an iteration, from 1: forward, loss, backward, update. Any iteration is there at once.

        Raises ValueError for an iteration or a notation that there is not.
        """
        chosen = _known(notation or self.notation)
        return Trace(EngineTrace(self._lesson, _iteration(self._run, iteration)), chosen)

    def train(self, iterations: int | None = None, *, epochs: int | None = None, converge: bool = False) -> Training:
        """Train for so many iterations, or epochs; else 100 epochs, or until it converges.

        With `converge` it stops after the first epoch that changes the mean loss and every parameter by less than 1e-6,
        after so many iterations at the latest. Raises ValueError for a lesson that is not trained and bad counts.
        """
        if not self.trained:
            raise ValueError(f"'{self.id}' is not trained: it has no [training]")
        if iterations is not None and epochs is not None:
            raise ValueError("give iterations or epochs, not both")
        per = iterations_per_epoch(self._lesson)
        count = iterations
        if count is None:
            count = MAX_ITERATION if converge and epochs is None else (100 if epochs is None else epochs) * per
        if not _whole(count) or not 1 <= count <= MAX_ITERATION:
            raise ValueError(f"iterations are a whole number from 1 to {MAX_ITERATION:,}, not {count!r}")
        run = Run(self._lesson)
        return Training(self, run.train(int(count), tolerance=TOLERANCE if converge else None), run)

    def toml(self) -> str:
        """The text of a lesson file that says this lesson (docs/lesson-format.md)."""
        return lesson_text(self._lesson)


def _whole(count: object) -> bool:
    return isinstance(count, int | np.integer) and not isinstance(count, bool)


def _iteration(run: Run, number: int) -> Iteration:
    last = run.last or MAX_ITERATION
    if not _whole(number) or not 1 <= number <= last:
        only = "is not trained: its only iteration is 1" if last == 1 else f"has the iterations 1 to {last:,}"
        raise ValueError(f"'{run.lesson.id}' {only}, not {number!r}")
    found = run.iteration(int(number))
    assert found is not None
    return found


# ---------------------------------------------------------------- whole solutions


@dataclass(frozen=True, repr=False, eq=False)
class Diagnosis:
    """What `diagnose` found: true where everything is right. str() is what the command line prints."""

    _found: Judged
    _trace: EngineTrace

    def __bool__(self) -> bool:
        return self._found.right

    @property
    def right(self) -> bool:
        """Whether every array that is a value of the lesson is right, rounding on the way apart."""
        return self._found.right

    @property
    def first_wrong(self) -> str | None:
        """The id of the first step, in the order of computation, whose array is not right."""
        first = self._found.first_wrong
        return first.step if first else None

    @property
    def headline(self) -> str:
        """The sentence that matters most."""
        return solution_words.headline(self._found)

    def as_dict(self) -> dict[str, Any]:
        """The same as `diagnose --format json` prints (docs/diagnose.md)."""
        return solution_words.as_json(self._found, self._trace)

    def __str__(self) -> str:
        return "\n".join(solution_words.as_text(self._found))

    def __repr__(self) -> str:
        return f"<Diagnosis: {self.headline}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def diagnose(
    lesson: Lesson,
    arrays: Mapping[str, Any],
    *,
    iteration: int = 1,
    example: int | None = None,
    names: Mapping[str, str] | None = None,
) -> Diagnosis:
    """Which array of a whole solution is the first that is wrong, and which slip gives it.

    `arrays` are numbers by name (ids, or what code calls them: dW1, W1.grad, fc1.weight.grad): NumPy's, or anything
    that has `tolist` or `detach`, or lists; `example` (from 0) says that they are one example's; `names` maps names to
    ids where they do not tell. Raises ValueError for an iteration or an example that is not there, TypeError for no
    numbers.
    """
    trace = EngineTrace(lesson._lesson, _iteration(lesson._run, iteration))
    if example is not None and not (_whole(example) and 0 <= example < trace.examples):
        raise ValueError(f"examples are from 0 to {trace.examples - 1}, not {example!r}")
    handed = [Handed.of(str(name), _array(value)) for name, value in arrays.items()]
    return Diagnosis(judge(trace, handed, example, names), trace)


def assert_right(lesson: Lesson, arrays: Mapping[str, Any], **options: Any) -> None:
    """Raise AssertionError, with the diagnosis as its message, unless `diagnose` finds everything right.

    For tests and autograders; `options` are those of `diagnose`. Arrays of which none is the lesson's fail, too.
    """
    found = diagnose(lesson, arrays, **options)
    if not found:
        raise AssertionError(str(found))


def _array(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach()
    if not isinstance(value, np.ndarray):
        value = value.tolist() if hasattr(value, "tolist") else value
    try:
        found = np.asarray(value)
        return found if found.dtype.kind in "fiub" else found.astype(float)
    except (ValueError, TypeError):
        raise TypeError(f"numbers are needed here, not {type(value).__name__}") from None


@dataclass(frozen=True, repr=False, eq=False)
class Training:
    """What training came to. `stopped` is "done", "converged" or "diverged"."""

    lesson: Lesson
    stopped: str
    _run: Run

    def __repr__(self) -> str:
        losses = self.losses
        last = f", loss {losses[-1]:.6g}" if losses.size else ""
        return f"<Training of {self.lesson.id}: {self.stopped} after {self.iterations:,} iterations{last}>"

    @property
    def iterations(self) -> int:
        """How many updates were made."""
        return self._run.trained

    @property
    def losses(self) -> np.ndarray:
        """(iterations,) the loss of each iteration's batch before its update; with L2 the objective."""
        return self._run.losses.copy()

    @property
    def epoch_losses(self) -> np.ndarray:
        """(epochs,) the mean of `losses` in each finished epoch."""
        return self._run.epoch_losses.copy()

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Every parameter after training, by id: W1 (units, units before), b1 (units,) ...; a circuit's inputs ()."""
        return self.parameters_before(self.iterations + 1)

    def parameters_before(self, iteration: int) -> dict[str, np.ndarray]:
        """Every parameter before an iteration's update, from 1; after the last it is those after training.

        Raises ValueError for an iteration that there is not.
        """
        if not _whole(iteration) or not 1 <= iteration <= self.iterations + 1:
            raise ValueError(f"training went from 1 to {self.iterations + 1:,}, not {iteration!r}")
        return {id: np.array(value) for id, value in self._run.parameters(iteration).items()}

    def trace(self, iteration: int = 1, notation: str | None = None) -> Trace:
        """The steps of an iteration of this training, as `Lesson.trace` has them."""
        chosen = _known(notation or self.lesson.notation)
        return Trace(EngineTrace(self.lesson._lesson, _iteration(self._run, iteration)), chosen)


# ---------------------------------------------------------------- a trace and its steps


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """All steps of one iteration, in one notation. A loop over it takes them in order, whole symbols."""

    _trace: EngineTrace
    notation: str

    def __repr__(self) -> str:
        return f"<Trace of {self._trace.lesson.id}: iteration {self.iteration}, {len(self)} steps>"

    @property
    def iteration(self) -> int:
        """Which iteration it is, from 1."""
        return self._trace.iteration.number

    @property
    def rows(self) -> tuple[int, ...]:
        """The examples that the iteration takes, from 0."""
        return tuple(map(int, self._trace.iteration.rows))

    @cached_property
    def _scribe(self) -> Scribe:
        return Scribe(self._trace, self.notation)

    def using(self, notation: str) -> Trace:
        """The same trace in another notation: other names, the same numbers. Raises ValueError."""
        return Trace(self._trace, _known(notation))

    def __iter__(self) -> Iterator[Step]:
        return self.steps()

    def __len__(self) -> int:
        return sum(self._trace.examples if eq.symbol.per_example else 1 for eq in self._trace.equations)

    def steps(self, level: str = "matrix") -> Iterator[Step]:
        """Every step in order: whole symbols, or at level "scalar" an element each. Raises ValueError."""
        found = as_level(level)
        if found not in ("matrix", "scalar"):
            raise ValueError(f"the levels are matrix and scalar, not {level!r}")
        return (Step(step, self) for step in self._trace.steps(found))

    def step(self, id: str) -> Step:
        """A step by its id: "dL/dW2", an element "dL/dW2[1,2]" (from 1), an example's "dL/dz2@3"; "da2/dz2".

        Raises NoSuchStep, a ValueError that says what is near.
        """
        return Step(self._trace.find(id), self)

    __getitem__ = step


@dataclass(frozen=True, eq=False)
class Operand:
    """A value that a step uses. `id` is its own: of a step, or of what is given ("W1[1,2]", "x[1]")."""

    id: str
    name: str
    value: Number


@dataclass(frozen=True, repr=False, eq=False)
class Step:
    """One step: an equation with its numbers, and why it is so. Its texts are in the notation of `trace`."""

    _step: EngineStep
    trace: Trace

    def __repr__(self) -> str:
        return f"<Step {self.id}: {shown(self.text)}>"

    @property
    def id(self) -> str:
        """Its id, such as dL/dW2[1,2]@3."""
        return self._step.id

    @property
    def phase(self) -> str:
        """ "forward", "loss", "backward" or "update"."""
        return self._step.phase

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value: () of one number."""
        return self._step.shape

    @property
    def value(self) -> Number:
        """A float for one number, else a float64 array of `shape`."""
        return _number(self._step.value)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What its formula uses, each once, in order."""
        name, value = self.trace._scribe.writer.text, self.trace._trace.value
        return tuple(Operand(ref.id, name(ref), _number(value(ref))) for ref in self._step.operands)

    def using(self, notation: str) -> Step:
        """The same step in another notation. Raises ValueError."""
        return Step(self._step, self.trace.using(notation))

    # ------------------------------------------------------------ words

    @cached_property
    def _card(self) -> Card:
        return self.trace._scribe.card(self._step)

    @property
    def name(self) -> str:
        """What the notation calls it: dw²₁₂, ∂L/∂w²₁₂, δ⁽³⁾₁."""
        return self.trace._scribe.writer.text(self._step.ref)

    @property
    def title(self) -> str:
        """What the step is called in words."""
        return self._card.title

    @property
    def formula(self) -> str:
        """The formula in the notation of the trace."""
        return linear(self.trace._scribe.writer.formula(self._step.formula))

    @property
    def numbers(self) -> str:
        """The formula with the numbers put in."""
        step = self._step
        return linear(self.trace._scribe.writer.numbers(step.formula, step.trace.value, step.digits))

    @property
    def why(self) -> str:
        """One sentence: why this formula."""
        return self._card.why

    @property
    def notes(self) -> tuple[str, ...]:
        """What the lesson's author says of it, as Markdown."""
        return self._card.notes

    @property
    def text(self) -> str:
        """name = formula = numbers = value on one line, without repetitions."""
        return " = ".join(linear(doc) for doc in self._card.main.docs)

    @property
    def latex(self) -> str:
        """The same as LaTeX, to stand between dollars: lines aligned at their = signs. ASCII."""
        return to_latex.equation(self._card.main.docs)

    # ------------------------------------------------------------ asked

    def check(self) -> GradientCheck:
        """A gradient (dL/d..., df/d...) held against central differences. Raises ValueError for another step."""
        symbol = self._step.equation.symbol
        if symbol.quantity != "gradient":
            raise ValueError(f"'{self.id}' is not a gradient: those are the steps dL/d... and df/d...")
        return _checked(self)

    def grade(self, answer: str, given: Mapping[str, float] | None = None) -> Verdict:
        """Grade what somebody answers to "what is this value?"; `given` has own earlier values by id.

        Raises ValueError for a step of several numbers (name an element), NoSuchStep for an id in `given`.
        """
        step = self._step
        if step.shape and int(np.prod(step.shape)) > 1:
            element = f"{step.at(None).id.partition('@')[0]}[{','.join('1' * len(step.shape))}]"
            raise ValueError(f"'{self.id}' has {int(np.prod(step.shape))} values: name one, such as {element}")
        step = step if step.index is not None else step.at((0,) * len(step.shape))
        own = {self.trace._trace.find(id).id: float(value) for id, value in (given or {}).items()}
        item = graded_item(step, self.trace._scribe.writer)
        verdict, question = item.grade(answer, own), item.question
        beside = compare(question, verdict.slips[0]) if question and verdict.slips else None
        return Verdict(
            kind=verdict.kind,
            message=verdict.message,
            misconception=verdict.misconception,
            expected=float(step.value),
            given=verdict.value,
            right=marked(beside.right) if beside else None,
            wrong=marked(beside.wrong) if beside else None,
        )

    # ------------------------------------------------------------ notebooks

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def _repr_markdown_(self) -> str:
        """Title, equation, sentence and notes as Markdown. All text is data: an author's Markdown shows as written."""
        parts = [f"**{in_markdown(self.title)}** `{self.id}`", f"$$\n{self.latex}\n$$", in_markdown(self.why)]
        parts += ["\n".join(f"> {in_markdown(line)}" for line in note.splitlines()) for note in self.notes]
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        """The same as HTML: every text is data, in elements in which MathJax looks for no formulas."""
        parts = [
            f"<p><strong>{in_html(self.title)}</strong> <code>{in_html(self.id)}</code></p>",
            f"<div>$${html.escape(self.latex)}$$</div>",
            f"<p>{in_html(self.why)}</p>",
        ]
        parts += [f'<blockquote style="white-space: pre-wrap">{in_html(note)}</blockquote>' for note in self.notes]
        return "<div>" + "\n".join(parts) + "</div>"


def _number(value: Any) -> Number:
    return float(value) if np.ndim(value) == 0 else np.array(value, dtype=float)


# ---------------------------------------------------------------- checks and verdicts


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """A gradient by the chain rule (`analytic`) and by central differences (`numeric`): floats or arrays of one shape.

    `error` is the largest |a − n| / max(|a|, |n|) of an element, `at_kink` whether the loss has a corner there, where
    it has no derivative. `passed`: every element agrees to 1e-5, or as far as the rounding of the loss allows.
    """

    id: str
    analytic: Number
    numeric: Number
    error: float
    epsilon: float
    passed: bool
    at_kink: bool


def _checked(step: Step) -> GradientCheck:
    ref = step._step.ref
    trace = step.trace._trace
    if ref.shape == ():
        found = gradient_check.check(trace, ref)
        k = found.told if found.told is not None else gradient_check.EPSILONS.index(gradient_check.USUAL)
        analytic, numeric, epsilon, kink = found.analytic, found.numeric[k], gradient_check.EPSILONS[k], found.kink
        loss, at_kink = found.loss, bool(kink and kink.exact)
        a, n = np.array([analytic]), np.array([numeric])
    else:
        elements = [Ref(ref.symbol, index, ref.example) for index in np.ndindex(*ref.symbol.shape)]
        whole = [gradient_check.check(trace, element) for element in elements]
        k = gradient_check.EPSILONS.index(gradient_check.USUAL)
        epsilon, loss = gradient_check.USUAL, whole[0].loss
        a, n = np.array([one.analytic for one in whole]), np.array([one.numeric[k] for one in whole])
        at_kink = any(one.kink is not None and one.kink.exact for one in whole)
    errors = [gradient_check.relative_error(float(x), float(y)) for x, y in zip(a, n, strict=True)]
    with np.errstate(all="ignore"):
        allowed = 1e-5 * np.maximum(np.abs(a), np.abs(n)) + 8 * gradient_check.ROUNDING * abs(loss) / epsilon
        passed = bool(np.all(np.abs(a - n) <= allowed))
    return GradientCheck(
        id=step.id,
        analytic=_number(a.reshape(ref.shape)),
        numeric=_number(n.reshape(ref.shape)),
        error=float(np.max(errors)),
        epsilon=epsilon,
        passed=passed,
        at_kink=at_kink,
    )


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer. `kind` as docs/grading.md lists them: "correct", "misconception", "carried" ...

    `misconception` is the id of the mistake that gives exactly this number, None where none does; `right` and `wrong`
    are then the formulas side by side, with [brackets] round what differs. `given` is the number that was read.
    """

    kind: str
    message: str
    misconception: str | None
    expected: float
    given: float | None
    right: str | None
    wrong: str | None

    @property
    def correct(self) -> bool:
        """Whether it counts as right: exactly, or the right method rounded on the way."""
        return self.kind in ("correct", "rounded")
