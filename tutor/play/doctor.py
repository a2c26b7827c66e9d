"""The doctor: ten sick networks. What is found is measured, the illness is named, and what mends it is tried out.

An illness is a row of `ILLNESSES`: what it is called, the signs that it shows, and what makes a healthy network ill
with it. The signs are tests of what was found (`patients.Findings`) with their words: by the same table a patient
is drawn until its signs are plain, and who names another illness is told which of that one's signs is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tutor.engine.expressions import Expr, Ref
from tutor.engine.lesson import Layer, Lesson, Network, Training
from tutor.engine.program import Program, batch_size
from tutor.engine.rows import Data
from tutor.play.patients import ITERATIONS, Findings, Patient, slip
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.language import N_, say, say_many
from tutor.text.layout import linear, number
from tutor.text.words import listed
from tutor.text.writer import Writer

ROWS = 24  # to learn from, and as many that are held out
UNITS = 4  # in each of the two hidden layers: the matrix between them is square
RATE = 0.5
NOTATION = "dz"
TRIES = 200  # networks that are drawn at most until the signs are plain


@dataclass(frozen=True)
class Sign:
    """Something that may be found: how it is said where it is expected (`said`), and whether it is there."""

    said: str
    there: Callable[[Findings], bool]


def _in_every_layer(found: Findings) -> bool:
    return all(check.ratio is not None and abs(check.ratio / found.examples - 1) < 0.01 for check in found.checks)


def _fades(found: Findings) -> bool:
    """Whether the error of the check goes with the learning rate."""
    pairs = zip(found.checks, found.checks_at_a_tenth, strict=True)
    return all(later.error < 0.3 * check.error for check, later in pairs if check.off)


AGREES = Sign("the check agrees with the gradient in every layer", lambda found: found.off == ())
HIDDEN_OFF = Sign(
    "the check agrees in the last layer and is off in both layers before it", lambda found: found.off == (1, 2)
)
FIRST_OFF = Sign("the check is off in the first layer alone", lambda found: found.off == (1,))
FADES = Sign("with a tenth of the learning rate the check's error is about a tenth", _fades)
STAYS = Sign(
    "the check's error does not depend on the learning rate", lambda found: bool(found.off) and not _fades(found)
)
TIMES_ROWS = Sign("every gradient is as many times the check's as there are rows", _in_every_layer)
RISES = Sign("the loss rises with every update", lambda found: found.rises > 0.95)
JUMPS = Sign("the loss goes up and down", lambda found: 0.2 < found.rises <= 0.95)
MEAN = Sign("the loss is the mean of the rows' losses", lambda found: not found.summed)
SUMMED = Sign("the loss is as many times the mean of the rows' losses as there are rows", lambda found: found.summed)
SILENT = Sign("a whole layer puts out 0 for every row", lambda found: 1 in found.silent)
AWAKE = Sign("no layer is silent", lambda found: 1 not in found.silent)
GUESSES = Sign(
    "the loss comes down to what one and the same answer to every row has, and no further",
    lambda found: abs(float(found.losses[-1]) - found.guessing) < 0.05 * found.guessing,
)
ALIKE = Sign("the inputs are of one size", lambda found: max(found.input_sizes) < 5 * min(found.input_sizes))
UNLIKE = Sign("one input is many times as large as the other", lambda found: not ALIKE.there(found))
FALLS = Sign("the loss falls, if slowly", lambda found: found.rises < 0.2 and found.losses[-1] < found.losses[0])
BY_HEART = Sign(
    "rows that were not learned from are predicted no better than by a coin, whatever those learned from are",
    lambda found: found.unseen < 0.65,
)


@dataclass(frozen=True)
class Illness:
    """What a network may suffer from.

    `name` is what is chosen, `why` what it does; `signs` are what is found, `fall_ill` makes a healthy patient ill,
    `cure` says what mends it. Of a slip of the method `misconception` is the row of the table, the cure a formula, and
    `others` are misconceptions whose formulas may be taken for it.
    """

    name: str
    why: str
    signs: tuple[Sign, ...]
    cure: str = ""
    misconception: str = ""
    others: tuple[str, ...] = ()
    change: Callable[[Patient, np.random.Generator], Patient] | None = None

    @property
    def shows(self) -> str:
        """Its signs in words."""
        return "; ".join(say(sign.said) for sign in self.signs)

    def fall_ill(self, healthy: Patient, rng: np.random.Generator) -> Patient:
        """The healthy network with this illness."""
        if self.change:
            return self.change(healthy, rng)
        return replace(healthy, wrong=slip(healthy.lesson, self.misconception))


def _shuffled(patient: Patient, rng: np.random.Generator) -> Patient:
    return replace(patient, lesson=replace(patient.lesson, targets=rng.permutation(patient.lesson.targets)))


def _in_other_units(patient: Patient, rng: np.random.Generator) -> Patient:
    lesson, held_out = patient.lesson, patient.lesson.held_out
    assert held_out
    size = np.array([1.0, 40.0])
    held = Data(held_out.inputs[:] * size, held_out.targets)
    return replace(patient, lesson=replace(lesson, inputs=lesson.inputs[:] * size, held_out=held))


def _dead(patient: Patient, rng: np.random.Generator) -> Patient:
    return _with_layer(patient, biases=np.full(UNITS, -5.0))


def _with_layer(patient: Patient, biases: np.ndarray) -> Patient:
    network = patient.lesson.network
    assert network
    layers = (replace(network.layers[0], biases=biases), *network.layers[1:])
    return replace(patient, lesson=replace(patient.lesson, network=replace(network, layers=layers)))


ILLNESSES: dict[str, Illness] = {
    "no-minus": Illness(
        "The update has no minus",
        "The gradients are right, and each update goes with them: uphill.",
        (AGREES, RISES),
        misconception="added",
        others=("step-for-value", "rate-forgotten"),
    ),
    "updated-early": Illness(
        "The weights were updated before going back",
        "What went back through a layer met its new weights; what came forward had met the old ones. The smaller "
        "the rate, the nearer they are, so it learns nearly as well, and nobody sees it on the curve.",
        (HIDDEN_OFF, FADES),
        misconception="updated-weight",
        others=("transpose-missing", "wrong-layer"),
    ),
    "no-transpose": Illness(
        "The square matrix is not transposed on the way back",
        "In a square layer the shapes fit without the transpose, too, so nothing complains. The layers after it are "
        "right, and learn around the one that is not.",
        (FIRST_OFF, STAYS),
        misconception="transpose-missing",
        others=("updated-weight", "wrong-layer"),
    ),
    "slope-at-a": Illness(
        "The slope of σ is taken at a in place of z",
        "σ′(a) is between 0.19 and 0.25 wherever the unit is: a unit that is saturated gets as much blame as any "
        "other. All that lies before it is off.",
        (HIDDEN_OFF, STAYS),
        misconception="slope-of-activation",
        others=("slope-dropped", "value-for-slope"),
    ),
    "no-division": Illness(
        "The gradients are not divided by n",
        "The loss is a mean over the rows, and the gradient a sum: as if the rate were n times as large.",
        (TIMES_ROWS, MEAN, JUMPS),
        misconception="sum-for-mean",
        others=("mean-twice",),
    ),
    "dead": Illness(
        "A layer is dead",
        "Its sums are below 0 for every row, so ReLU puts out 0 and has the slope 0: no gradient comes to what could "
        "wake it. What is left learns how many rows are 1, and no more.",
        (AGREES, SILENT, GUESSES),
        "begin with the first layer's biases at 0",
        change=_dead,
    ),
    "rate": Illness(
        "The learning rate is too large",
        "The gradients are right here, and each step goes far beyond where they are.",
        (AGREES, JUMPS, MEAN, ALIKE),
        "take a fortieth of the learning rate",
        change=lambda patient, rng: patient.trained_with(learning_rate=40 * RATE),
    ),
    "sum": Illness(
        "The loss is the sum over the rows, not their mean",
        "The gradients are right, of a loss that is n times as large: with the same rate each step is n times as long.",
        (AGREES, SUMMED, JUMPS),
        "take the mean over the rows for the loss",
        change=lambda patient, rng: patient.trained_with(batch_loss="sum"),
    ),
    "labels": Illness(
        "The targets are shuffled: they are other rows' targets",
        "Nothing is wrong with the method. There is nothing to be learned but the rows themselves, one by one.",
        (AGREES, ALIKE, AWAKE, MEAN, FALLS, BY_HEART),
        "put each target back to its own row",
        change=_shuffled,
    ),
    "inputs": Illness(
        "The inputs are not scaled",
        "The gradient of a weight has its input for a factor: one column of the first layer takes steps that are too "
        "long while those of the other are too short, and σ behind it is saturated.",
        (UNLIKE, MEAN),
        "divide each input by its largest",
        change=_in_other_units,
    ),
}


@dataclass(frozen=True)
class Treatment:
    """Something that may mend a patient: its words, the patient after it, whether it is what was needed.

    `verdict` is what is said of it, without what came of it.
    """

    words: str
    patient: Patient
    right: bool
    verdict: str


@dataclass(frozen=True, eq=False)
class ClinicCase:
    """A patient of a clinic: the healthy network that it was, its illness, and what may be tried."""

    illness: str
    healthy: Patient
    patient: Patient
    seed: int

    @property
    def found(self) -> Findings:
        """What is found of the patient."""
        return self.patient.found

    def missing(self, illness: str) -> Sign | None:
        """The first sign of an illness that the patient does not show; None of its own."""
        return next((sign for sign in ILLNESSES[illness].signs if not sign.there(self.found)), None)

    def said(self, guess: str) -> str:
        """What is said to who names an illness: why it is that, or what speaks against it."""
        illness = ILLNESSES[guess]
        if guess == self.illness:
            return say("Yes: {signs}. {why}", signs=illness.shows, why=say(illness.why))
        sign = self.missing(guess)
        assert sign is not None, guess  # a patient is drawn until it has the signs of one illness alone
        return say("No. Of that this would be a sign: {sign}. It is not so here.", sign=say(sign.said))

    @property
    def line(self) -> str:
        """The key of the line that shows a slip of the method; "" where none is wrong."""
        wrong = self.patient.wrong
        squares = [key for key in wrong if key.startswith("dL/da1")]  # both its matrices can be taken for each other
        return (squares or list(wrong))[0] if wrong else ""

    @property
    def stands(self) -> str:
        """The line as the patient has it; "" where none is wrong."""
        return _written(self.patient, self.line, self.patient.wrong[self.line]) if self.line else ""

    @cached_property
    def treatments(self) -> tuple[Treatment, ...]:
        """What may be tried, one of which is right; in an order of the seed."""
        made = [*(_formulas if self.line else _changes)(self)]
        return tuple(made[at] for at in np.random.default_rng((self.seed, 1)).permutation(len(made)))

    def outcome(self, treatment: Treatment) -> str:
        """What came of a treatment, in figures."""
        before, after = self.found, treatment.patient.found
        loss = say(
            "The loss after {n} updates: {before} before, {after} now.",
            n=ITERATIONS, before=_ended(before), after=_ended(after),
        )  # fmt: skip
        right = say(
            "Right: {rows} of the rows, {unseen} of those held out.",
            rows=f"{after.accuracy:.0%}", unseen=f"{after.unseen:.0%}",
        )  # fmt: skip
        layers = listed([str(layer) for layer in after.off]) if after.off else ""
        off = say_many(
            len(after.off), "The check is off in layer {layers}.", "The check is off in layers {layers}.", layers=layers
        )
        check = off if after.off else say("The check agrees in every layer.")
        return f"{treatment.verdict} {loss} {check} {right}"


def _ended(found: Findings) -> str:
    return say("beyond all numbers") if found.patient.run.diverged is not None else number(float(found.losses[-1]), 3)


def _written(patient: Patient, key: str, formula: Expr) -> str:
    """An equation as the tutor writes it: W³_new = W³ − η · dW³."""
    writer = Writer(patient.lesson, NOTATION)
    return f"{writer.text(Ref(patient.program.by_key[key].symbol))} = {linear(writer.formula(formula))}"


def _formulas(case: ClinicCase) -> Iterator[Treatment]:
    """The right formula of the line that was wrong, and others that people write there."""
    lesson, key = case.patient.lesson, case.line
    right = Program.of(lesson, batch_size(lesson)).by_key[key].formula
    yield Treatment(_written(case.patient, key, right), case.healthy, True, say("That mends it."))
    for id in ILLNESSES[case.illness].others:
        formulas = slip(lesson, id, case.patient.wrong)
        verdict = say("The line is still wrong: {slip}.", slip=MISCONCEPTIONS[id].title)
        other = replace(case.patient, wrong=formulas)
        yield Treatment(_written(case.patient, key, formulas[key]), other, False, verdict)


def _changes(case: ClinicCase) -> Iterator[Treatment]:
    """What mends a lesson, and other changes that people try."""
    patient, network = case.patient, case.patient.lesson.network
    assert network
    yield Treatment(say(ILLNESSES[case.illness].cure), _cured(case), True, say("That mends it."))
    drawn = tuple(replace(layer, weights=3 * np.asarray(layer.weights)) for layer in network.layers)
    larger = replace(patient, lesson=replace(patient.lesson, network=replace(network, layers=drawn)))
    faster = patient.trained_with(learning_rate=4 * patient.training.learning_rate)
    tried = {
        N_("make the first weights three times as large"): larger,
        N_("take four times the learning rate"): faster,
        N_("shuffle the rows before each epoch"): patient.trained_with(order="shuffled"),
    }
    bad = [words for words in tried if not _well(tried[words].found)]  # by luck one may help: it is not offered
    for words in bad[:2]:
        yield Treatment(say(words), tried[words], False, say("That is not what was wrong."))


def _well(found: Findings) -> bool:
    """Whether a network learns, without a jump, and what it learns holds for other rows."""
    return found.accuracy >= 0.95 and found.unseen >= 0.85 and found.rises < 0.05


def _cured(case: ClinicCase) -> Patient:
    if case.illness != "inputs":
        return case.healthy
    lesson, held_out = case.patient.lesson, case.patient.lesson.held_out
    assert held_out
    largest = np.abs(lesson.inputs[:]).max(axis=0)
    scaled = Data(held_out.inputs[:] / largest, held_out.targets)
    return replace(case.patient, lesson=replace(lesson, inputs=lesson.inputs[:] / largest, held_out=scaled))


class Visit:
    """A patient being seen: first its illness is named, then what mends it is tried. For any front end."""

    def __init__(self, case: ClinicCase):
        self.case = case
        self.guesses: list[str] = []
        self.tried: list[int] = []
        self.told = False  # the name was given up and told

    @property
    def named(self) -> bool:
        """Whether it is known what it suffers from."""
        return self.told or self.case.illness in self.guesses

    @property
    def mended(self) -> bool:
        """Whether what mends it was found."""
        return any(self.case.treatments[at].right for at in self.tried)

    @property
    def at_first(self) -> bool:
        """Whether both were found without a wrong try."""
        return self.mended and self.guesses == [self.case.illness] and len(self.tried) == 1 and not self.told

    @property
    def asked(self) -> str:
        """What is asked now."""
        if not self.named:
            return say("What is it that this network suffers from?")
        if self.case.line:
            return say("The line is {line}. What should it be?", line=self.case.stands)
        return say("What mends it?")

    @property
    def options(self) -> tuple[str, ...]:
        """What there is to choose from now."""
        if not self.named:
            return tuple(say(illness.name) for illness in ILLNESSES.values())
        return tuple(treatment.words for treatment in self.case.treatments)

    @property
    def shown(self) -> Treatment | None:
        """The treatment tried last, whose curve is drawn beside the patient's."""
        return self.case.treatments[self.tried[-1]] if self.tried else None

    def choose(self, at: int) -> str:
        """Choose an option, from 0; what is said to it."""
        if not self.named:
            guess = list(ILLNESSES)[at]
            self.guesses.append(guess)
            return self.case.said(guess)
        self.tried.append(at)
        return self.case.outcome(self.case.treatments[at])

    def tell(self) -> str:
        """What it suffers from, and with a second call what mends it: given up."""
        if not self.named:
            self.told = True
            illness = ILLNESSES[self.case.illness]
            return say(
                "{illness}. It has these signs: {signs}. {why}",
                illness=say(illness.name), signs=illness.shows, why=say(illness.why),
            )  # fmt: skip
        right = next(at for at, treatment in enumerate(self.case.treatments) if treatment.right)
        self.told = True
        self.tried.append(right)
        return self.case.outcome(self.case.treatments[right])


def healthy(seed: int) -> Patient:
    """A network that learns which side of a line points lie on, and what it has learned holds for other points."""
    for attempt in range(TRIES):
        rng = np.random.default_rng((seed, 0, attempt))
        inputs = rng.uniform(-1, 1, (2 * ROWS, 2)).round(2)
        across = rng.normal(size=2)
        targets = (inputs @ across > 0).astype(float)[:, None]
        layers = tuple(
            Layer(units, activation, weights=rng.normal(0, 1.2, (units, feeds)).round(2), biases=np.zeros(units))
            for units, feeds, activation in ((UNITS, 2, "relu"), (UNITS, UNITS, "sigmoid"), (1, UNITS, "sigmoid"))
        )
        lesson = Lesson(
            id="patient", title="A patient", notation=NOTATION,
            network=Network(2, "binary_cross_entropy", layers),
            inputs=inputs[:ROWS], targets=targets[:ROWS], held_out=Data(inputs[ROWS:], targets[ROWS:]),
            training=Training(RATE, batch="all"),
        )  # fmt: skip
        patient = Patient(lesson)
        if _well(patient.found):
            return patient
    raise AssertionError("no healthy network was drawn")


def case(illness: str, seed: int) -> ClinicCase:
    """A patient with an illness, drawn until it shows that illness's signs, and no other's."""
    for attempt in range(TRIES):
        well = healthy(seed * TRIES + attempt)
        patient = ILLNESSES[illness].fall_ill(well, np.random.default_rng((seed, 2, attempt)))
        found = ClinicCase(illness, well, patient, seed)
        if [id for id in ILLNESSES if found.missing(id) is None] == [illness]:
            return found
    raise AssertionError(f"no patient with {illness} was drawn")


class Clinic:
    """Ten patients in an order of the seed, one for each illness; each is made when it is looked at."""

    def __init__(self, seed: int = 1):
        self.seed = seed
        self.order: tuple[str, ...] = tuple(np.random.default_rng(seed).permutation(list(ILLNESSES)).tolist())
        self._cases: dict[int, ClinicCase] = {}

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, at: int) -> ClinicCase:
        """The patient at this place, from 0."""
        if at not in self._cases:
            self._cases[at] = case(self.order[at], self.seed * len(self.order) + at)
        return self._cases[at]
