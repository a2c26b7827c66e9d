"""What the learner knows (Bayesian knowledge tracing, with a state between) and what is due again (FSRS). Pure.

Sources: Corbett and Anderson, "Knowledge tracing: Modeling the acquisition of procedural knowledge", 1995;
FSRS as the package `fsrs` has it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from tutor.messages import Message
from tutor.text.language import N_, say

if TYPE_CHECKING:  # the table does without NumPy, which comes with the engine
    from tutor.engine.rules import Rule

# ---------------------------------------------------------------- skills


@dataclass(frozen=True)
class Skill:
    """A rule of the steps, as something that can be learned; `needs` are the skills that come before it."""

    name: str
    needs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is called, in the learner's language."""
        return say(self.name)


# What is learned beside the rules of the steps.
Own: TypeAlias = Literal["order", "author", "paths", "chain", "shapes"]

# In an order in which they can be learned: a skill stands after what it needs.
_PLAIN: dict[Rule | Own, Skill] = {
    "pre_activation": Skill("Pre-activation: weighted sum and bias"),
    "activation": Skill("Activation", ("pre_activation",)),
    "softmax": Skill("Softmax", ("pre_activation",)),
    "loss": Skill("Loss of one example", ("activation",)),
    "mean_loss": Skill("Mean loss of a batch", ("loss",)),
    "sum_loss": Skill("Loss of a batch, summed", ("loss",)),
    "objective": Skill("Loss with regularisation", ("loss",)),
    "order": Skill("Which step comes next", ("pre_activation",)),
    "local_derivative": Skill("Local derivatives", ("pre_activation",)),
    "author": Skill("Questions of a lesson's author"),
    "loss_gradient": Skill("Gradient at the prediction", ("loss",)),
    "pre_activation_gradient": Skill("Gradient through an activation", ("loss_gradient", "activation")),
    "softmax_gradient": Skill("Gradient through softmax", ("loss_gradient", "softmax")),
    "combined_error": Skill("Output error: prediction minus target", ("loss",)),
    "activation_gradient": Skill("Blame along every path", ("pre_activation",)),
    "paths": Skill("Paths to the loss", ("pre_activation",)),
    "chain": Skill("The chain of a gradient", ("paths",)),
    "no_path": Skill("Where no path leads", ("paths",)),
    "weight_gradient": Skill("Weight gradient", ("pre_activation",)),
    "bias_gradient": Skill("Bias gradient", ("pre_activation",)),
    "shared_bias_gradient": Skill("Gradient of a shared bias", ("bias_gradient",)),
    "shapes": Skill("Shapes of gradients", ("weight_gradient",)),
    "mean_gradient": Skill("Mean gradient over a batch", ("weight_gradient", "mean_loss")),
    "sum_gradient": Skill("Gradient summed over a batch", ("weight_gradient", "sum_loss")),
    "decayed_gradient": Skill("Gradient with regularisation", ("weight_gradient", "objective")),
    "update": Skill("Update of a parameter", ("weight_gradient",)),
}
_STATES = {
    "velocity": Skill("Velocity of momentum", ("update",)),
    "m": Skill("First moment of Adam", ("update",)),
    "v": Skill("Second moment of Adam", ("update",)),
    "mhat": Skill("First moment, corrected", ("optimizer_m",)),
    "vhat": Skill("Second moment, corrected", ("optimizer_v",)),
}
_GATES = {
    "add": "Add", "sub": "Subtract", "neg": "Negate", "mul": "Multiply", "div": "Divide", "pow": "Power",
    "exp": "Exponential", "log": "Logarithm", "sqrt": "Square root", "sin": "Sine", "cos": "Cosine",
    "abs": "Absolute value", "erf": "Error function", "max": "Max", "min": "Min",
    "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU",
    "leaky_relu": "Leaky ReLU", "bipolar_sigmoid": "Bipolar sigmoid", "softplus": "Softplus", "elu": "ELU",
    "silu": "SiLU", "gelu": "GELU", "gelu_erf": "GELU (exact)", "copy": "Copy",
    "matmul": "Matrix product", "transpose": "Transpose", "sum": "Sum", "average": "Mean", "variance": "Variance",
    "reduce_max": "Maximum", "reduce_min": "Minimum", "softmax": "Softmax", "log_softmax": "Log-softmax",
    "norm": "Normalisation", "row": "Row", "embedding": "Embedding", "concat": "Concatenation", "reshape": "Reshape",
    "causal": "Causal mask",
    "cross_entropy": "Cross-entropy", "conv": "Convolution", "max_pool": "Max pooling", "avg_pool": "Average pooling",
}  # fmt: skip
SKILLS: dict[str, Skill] = {str(rule): skill for rule, skill in _PLAIN.items()}
SKILLS |= {f"optimizer_{name}": skill for name, skill in _STATES.items()}
SKILLS |= {f"gate_{op}": Skill(f"{name} gate") for op, name in _GATES.items()}
SKILLS |= {f"gate_{op}_gradient": Skill(f"{name} gate, backward", (f"gate_{op}",)) for op, name in _GATES.items()}
SKILLS["fork"] = Skill("Fork: branches add up", ("gate_add_gradient",))
SKILLS["uses"] = Skill("Shared: the parts of all uses add up", ("fork",))


def skill(id: str) -> Skill:
    """The skill of any rule. That of a gate or an optimiser without an entry follows from its name."""
    if id in SKILLS:
        return SKILLS[id]
    family, _, name = id.partition("_")
    if family == "optimizer":
        return Skill(f"Optimiser's {name}", ("update",))
    if family == "gate":
        forward = name.removesuffix("_gradient")
        gate = forward.replace("_", " ").capitalize() + " gate"
        return Skill(gate) if forward == name else Skill(f"{gate}, backward", (f"gate_{forward}",))
    return Skill(id)  # of another version of the tutor


def title(id: str) -> str:
    """What a skill is called."""
    return skill(id).title


# ---------------------------------------------------------------- answers

GIVEN_UP = "given-up"  # the verdict on who asked to see the answer
_LARGEST = 2**31  # of a count: no database and no spreadsheet minds


@dataclass(frozen=True)
class GivenAnswer:
    """One try at a question, as it is kept. Raises ValueError for a value out of its range.

    `verdict` and `kind` are those of the quiz, or the verdict is GIVEN_UP; `credit` is 0 to 1, `tries` says which
    try this is, `choices` how many there were to choose from (0: none). `at` is an ISO time with its zone, kept
    in UTC. The store fills in an empty `id` and `at`. `asked` is the question with its choices, as it was put. The
    numbers were drawn from `seed` (0: the lesson's own), in an `iteration` from 1.
    """

    lesson: str
    item: str
    skill: str
    kind: str
    given: str
    verdict: str
    misconception: str | None = None
    credit: float = 0.0
    hints: int = 0
    tries: int = 1
    seconds: float = 0.0
    choices: int = 0
    session: str | None = None
    at: str = ""
    id: str = ""
    asked: str = ""
    seed: int = 0
    iteration: int = 1

    def __post_init__(self) -> None:
        for name in ("lesson", "item", "skill", "kind", "given", "verdict", "at", "id", "asked"):
            _require(isinstance(getattr(self, name), str), name, _NO_TEXT)
        for name in ("misconception", "session"):
            _require(isinstance(getattr(self, name), str | None), name, _NO_TEXT_OR_NULL)
        for name in ("hints", "tries", "choices", "seed", "iteration"):
            value = getattr(self, name)
            _require(type(value) is int and 0 <= value < _LARGEST, name, _NO_COUNT)
        _require(_is_number(self.credit) and 0 <= self.credit <= 1, "credit", _NO_SHARE)
        _require(_is_number(self.seconds) and 0 <= self.seconds < _LARGEST, "seconds", _NO_SECONDS)
        if self.at:
            object.__setattr__(self, "at", utc(self.at, "at"))


def utc(text: object, name: str = "time") -> str:
    """An ISO time with a zone, in UTC to the millisecond: as texts, such times sort by time. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        _require(moment is not None and moment.tzinfo is not None, name, _NO_TIME)
        assert moment is not None
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        raise ValueError(Message(_NO_TIME, name=name)) from None


_NO_TEXT, _NO_TEXT_OR_NULL = N_("{name} is not a text"), N_("{name} is not a text or null")
_NO_COUNT, _NO_SHARE = N_("{name} is not a whole number from 0"), N_("{name} is not a number from 0 to 1")
_NO_STATE, _NO_STEP = N_("{name} is not 1, 2 or 3"), N_("{name} is not one of this state")
_NO_DAYS, _NO_GRADE = N_("{name} is not a number of days above 0"), N_("{name} is not a number from 1 to 10")
_NO_SECONDS, _NO_TIME = N_("{name} is not a number of seconds"), N_("{name} is not an ISO time with its zone")


def _is_number(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**53  # no larger one is a float's, or a database's
    return isinstance(value, float) and math.isfinite(value)


def _require(fulfilled: bool, name: str, message: str) -> None:
    if not fulfilled:
        raise ValueError(Message(message, name=name))


# ---------------------------------------------------------------- knowledge tracing


@dataclass(frozen=True)
class Tracing:
    """The parameters: P(known before the first question), P(learned by a question), P(wrong though known), P(right
    though not known), which None leaves to the kind of each question, and P(known in part before the first question).

    Who knows a skill in part is right halfway between guessing and knowing. Without that state (`partly` 0 makes it
    Corbett and Anderson's two) whoever gets every second question right would soon count as one who knows and slips.
    """

    prior: float = 0.2
    learn: float = 0.05
    slip: float = 0.05
    guess: float | None = None
    partly: float = 0.5


TRACING = Tracing()
DOUBT = 0.98  # before an answer nothing counts as known more surely: people forget, and that must be seen
READY = 0.6  # mastery of every prerequisite from which a skill is not too far ahead
MASTERED = 0.85  # from which a skill need not be asked at every step
GUESS_NUMBER = 0.02  # a number of three digits, hit without knowing how
LAST_FACTOR, WITH_FORMULA = "last-factor", "with-formula"  # kinds of question where so much is given
GUESS = {  # by kind of question, where the number of choices is not known
    "direction": 1 / 2, "formula": 1 / 4, "next": 1 / 4, "choice": 1 / 4, "shape": 0.2, "paths": 0.15, "operands": 0.1,
    LAST_FACTOR: 0.4, WITH_FORMULA: 0.25,
}  # fmt: skip


def guess(answer: GivenAnswer) -> float:
    """How likely who does not know answers this question right."""
    return 1 / answer.choices if answer.choices > 1 else GUESS.get(answer.kind, GUESS_NUMBER)


def mastery(history: Iterable[GivenAnswer], tracing: Tracing = TRACING) -> float:
    """The probability (0 to 1) that a skill is known after these answers to it, the oldest first.

    All tries at a question are one observation, what it shows is `shown`. That much, c, counts as c of a right answer
    and 1 − c of a wrong one: each likelihood to that power.
    """
    steps = 2 if tracing.partly else 1  # from not known to known
    not_known, partly, known = 1 - tracing.prior - tracing.partly, tracing.partly, tracing.prior
    for tries in by_question(history):
        excess = max(known - DOUBT, 0.0)
        known, partly, not_known = known - excess, partly + excess * (steps - 1), not_known + excess * (2 - steps)
        chance = guess(tries[-1]) if tracing.guess is None else tracing.guess
        sure, c = 1 - tracing.slip, shown(tries)
        rates = (chance, (chance + sure) / 2, sure)
        found = [p * r**c * (1 - r) ** (1 - c) for p, r in zip((not_known, partly, known), rates, strict=True)]
        not_known, partly, known = (each / sum(found) for each in found)
        learned, further = not_known * tracing.learn, partly * tracing.learn
        not_known -= learned
        partly, known = (partly + learned - further, known + further) if steps == 2 else (0.0, known + learned)
    return known


def shown(tries: Sequence[GivenAnswer]) -> float:
    """How much the tries at one question, the first of them first, show that its skill is known, 0 to 1.

    The first try without help, that alone: who asks for a hint, is told what is wrong, or gives up has not shown that
    they know, whatever they write then. (As knowledge tracing has it; the credit of a question is another matter.)
    """
    first = tries[0]
    if first.hints or first.tries > 1 or any(answer.verdict == GIVEN_UP for answer in tries):
        return 0.0
    return first.credit


def by_question(answers: Iterable[GivenAnswer]) -> list[list[GivenAnswer]]:
    """The questions that these answers (the oldest first) were tries at: of each its tries, in order of the first."""
    found: list[list[GivenAnswer]] = []
    latest: dict[tuple[str, str, str | None], list[GivenAnswer]] = {}
    for answer in answers:
        key = (answer.lesson, answer.item, answer.session)
        before = latest[key][-1] if key in latest else None
        gave_up = answer.verdict == GIVEN_UP
        if before and before.tries and before.tries + (not gave_up) <= answer.tries and before.verdict != GIVEN_UP:
            latest[key].append(answer)
        else:
            latest[key] = [answer]
            found.append(latest[key])
    return found


def questions(answers: Iterable[GivenAnswer]) -> list[GivenAnswer]:
    """Of each question (see `by_question`) the last try, with the best credit; none, if it was given up."""

    def whole(tries: list[GivenAnswer]) -> GivenAnswer:
        gave_up = tries[-1].verdict == GIVEN_UP
        return replace(tries[-1], credit=0.0 if gave_up else max(answer.credit for answer in tries))

    return [whole(tries) for tries in by_question(answers)]


def knowledge(answers: Iterable[GivenAnswer]) -> dict[str, float]:
    """Mastery by skill, of every skill that was asked for."""
    return {skill: mastery(history) for skill, history in by_skill(answers).items()}


def by_skill(answers: Iterable[GivenAnswer]) -> dict[str, list[GivenAnswer]]:
    """The answers to each skill, in their order."""
    found: dict[str, list[GivenAnswer]] = {}
    for answer in answers:
        found.setdefault(answer.skill, []).append(answer)
    return found


def next_skill(known: Mapping[str, float], among: Collection[str]) -> str | None:
    """The weakest skill `among` those that can be asked for that is not too far ahead; None if there are none.

    A prerequisite that cannot be asked for itself holds nothing up. A tie goes to what is learned first.
    """

    def strength(id: str) -> float:
        return known.get(id, TRACING.prior)

    def ready(id: str) -> bool:
        return all(strength(need) >= READY for need in skill(id).needs if need in among)

    order = [id for id in SKILLS if id in among]
    order += sorted(set(among) - set(order))
    return min(filter(ready, order), key=strength, default=None)


# ---------------------------------------------------------------- spaced repetition

AGAIN, HARD, GOOD = 1, 2, 3  # FSRS's ratings; its fourth, "easy", cannot be told from a right answer
_STEP = timedelta(minutes=10)  # when what went wrong is due again
_LEARNING, _REVIEW, _RELEARNING = 1, 2, 3


@dataclass(frozen=True)
class Schedule:
    """When one skill is due, and what FSRS needs to know for the next time. Raises ValueError if it is no card.

    Times are ISO, in UTC. `state` is 1 learning, 2 review, 3 relearning; `stability` in days; `difficulty` 1 to 10.
    """

    due: str
    last_review: str
    state: int
    step: int | None
    stability: float
    difficulty: float

    def __post_init__(self) -> None:
        for name in ("due", "last_review"):
            object.__setattr__(self, name, utc(getattr(self, name), name))
        _require(type(self.state) is int and self.state in (_LEARNING, _REVIEW, _RELEARNING), "state", _NO_STATE)
        at_step = type(self.step) is int and 0 <= self.step < 10
        _require(self.step is None if self.state == _REVIEW else at_step, "step", _NO_STEP)
        _require(_is_number(self.stability) and self.stability > 0, "stability", _NO_DAYS)
        _require(_is_number(self.difficulty) and 1 <= self.difficulty <= 10, "difficulty", _NO_GRADE)


def rating(credit: float, hints: int = 0) -> int:
    """FSRS's rating of an answer: less than half right is AGAIN; with help or in part HARD; else GOOD."""
    if credit < 0.5:
        return AGAIN
    return HARD if hints or credit < 1 else GOOD


def review(card: Schedule | None, rating: int, now: datetime) -> Schedule:
    """The card after a review at `now` (with a zone); None stands for a skill's first."""
    import fsrs  # 12 ms that only who answers needs

    now = _sane(now)
    # Without fuzz the same answers give the same dates, on every machine.
    scheduler = fsrs.Scheduler(learning_steps=[_STEP], relearning_steps=[_STEP], enable_fuzzing=False)
    if card is None:
        old = fsrs.Card(card_id=0, due=now)
    else:
        old = fsrs.Card(
            card_id=0,
            state=fsrs.State(card.state),
            step=card.step,
            stability=card.stability,
            difficulty=card.difficulty,
            due=min(datetime.fromisoformat(card.due), now),
            last_review=min(datetime.fromisoformat(card.last_review), now),  # a clock that was ahead
        )
    new, _ = scheduler.review_card(old, fsrs.Rating(rating), now)
    assert new.stability is not None and new.difficulty is not None
    return Schedule(new.due.isoformat(), now.isoformat(), new.state.value, new.step, new.stability, new.difficulty)


def due(cards: Mapping[str, Schedule], now: datetime) -> list[str]:
    """The skills that are due at `now` (with a zone), the longest due first.

    A review that is still to come was by a clock that was wrong: its skill is due, else it might never be again.
    """
    now = _sane(now)
    limit, ahead = utc(now.isoformat()), utc((now + timedelta(days=2)).isoformat())
    order = sorted((card.due, skill) for skill, card in cards.items())
    return [skill for at, skill in order if at <= limit or cards[skill].last_review > ahead]


def _sane(now: datetime) -> datetime:
    """`now` in UTC; a clock beyond the year 9000 leaves no room for what comes after."""
    return min(now.astimezone(UTC), datetime(9000, 1, 1, tzinfo=UTC))
