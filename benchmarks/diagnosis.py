"""Does a wrong answer get the name of the mistake that was made? Simulated learners, one a misconception.

    python benchmarks/diagnosis.py [--networks 500] [--seed 1] [--brief] [--world]

Every learner answers every question (a scalar step) of every bundled lesson, of so many random networks and as many
random circuits, and of lessons about arrays (a tenth as many), that its misconception bears upon: in the asked equation
or, where it does not apply there, in the nearest one that it rests on; asked for one more digit, it gives one. Only
discriminating questions count. Beside that: right answers in every accepted form, random wrong answers, and the time
that grading takes. Mistakes from outside the tutor's table, found in people's own code (`seen.py`, `seen_arrays.py`),
are planted as well: a whole wrong pass, asked for in the step where it first goes wrong and in those that follow.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import seen
import seen_arrays

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.lesson import Layer, Lesson, Network, Training
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.trace import trace
from tutor.lessonfiles.check import load
from tutor.questions.grading import grade
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.question import Question
from tutor.questions.slips import Slip
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

BUNDLED = Path(__file__).parent.parent / "lessons"


def random_network(rng: random.Random) -> Lesson:
    """One to three layers of up to four units, any activations, loss and optimiser; numbers with two decimals."""
    loss = rng.choice(list(LOSSES))
    widths = [rng.randint(1, 4) for _ in range(rng.randint(2, 4))]
    if loss == "cross_entropy":
        widths[-1] = max(widths[-1], 2)
    numbers = np.random.default_rng(rng.getrandbits(32))

    def draw(*shape: int, low: float = -1.5, high: float = 1.5) -> np.ndarray:
        return np.round(numbers.uniform(low, high, shape), 2)

    layers = [
        Layer(
            units,
            (rng.choice(list(ACTIVATIONS)) if at < len(widths) - 1 else LOSSES[loss].wants or "linear"),
            alpha=0.1,
            weights=draw(units, widths[at - 1]),
            biases=draw(units) if rng.random() < 0.8 else None,
        )
        for at, units in enumerate(widths[1:], start=1)
    ]
    examples = rng.choice((1, 1, 2, 3))
    targets = draw(examples, widths[-1], low=-1, high=1)
    if LOSSES[loss].wants:
        targets = np.eye(widths[-1])[numbers.integers(widths[-1], size=examples)]
    training = Training(
        rng.choice((0.1, 0.3, 0.5)), rng.choice(list(OPTIMIZERS)), "all", l2=rng.choice((0.0, 0.0, 0.02)), seed=1
    )
    network = Network(widths[0], loss, tuple(layers))
    inputs = draw(examples, widths[0], low=-2, high=2)
    return Lesson("r", "r", network=network, inputs=inputs, targets=targets, training=training)


def random_circuit(rng: random.Random) -> Lesson:
    """Three to seven gates over two to four inputs, values used more than once; numbers with one decimal."""
    names = [f"x{at}" for at in range(1, rng.randint(2, 4) + 1)]
    inputs = {name: rng.choice((-1, 1)) * rng.randint(2, 30) / 10 for name in names}
    known, lines = list(names), []
    for at in range(rng.randint(3, 7)):
        one, other = rng.choice(known), rng.choice(known)
        gate = rng.choice(("{0} + {1}", "{0} * {1}", "{0} * {1}", "{0} - {1}", "max({0}, {1})", "min({0}, {1})",
                           "sigmoid({0})", "tanh({0})", "{0} ** 2", "exp(0.5 * {0})"))  # fmt: skip
        lines.append(f"q{at} = {gate.format(one, other)}")
        known.append(f"q{at}")
    used = [name for name in known if not any(name in line.split("= ")[1] for line in lines)]
    lines.append("f = " + " + ".join(used) if len(used) > 1 else f"f = 2 * {used[0]}")
    listed = ", ".join(f"{name} = {value}" for name, value in inputs.items())
    quoted = ", ".join(f'"{line}"' for line in lines)
    text = f'format = 1\ntitle = "r"\n[circuit]\noutput = "f"\ninputs = {{ {listed} }}\ndefine = [{quoted}]\n'
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.toml"
        path.write_text(text, encoding="utf-8")
        return load(path)


def questions(lesson: Lesson, iteration: int, rng: random.Random) -> Iterator[Question]:
    """Every scalar step of one iteration as a question."""
    at = trace(lesson, iteration)
    writer = Writer(lesson, rng.choice(list(NOTATIONS)))
    for step in at.steps("scalar"):
        yield Question(step, writer)


def learners(question: Question) -> Iterator[Slip]:
    """What a learner with each misconception would answer: the slip in the nearest equation that it bears upon."""
    nearest: dict[str, int] = {}
    for slip in question.slips:
        if nearest.setdefault(slip.misconception, slip.distance) == slip.distance:
            yield slip


def typed(value: float, digits: int) -> str:
    """A number as one writes it down who was asked for so many significant digits: 0.100, not 0.1."""
    return f"{value:#.{digits}g}"


def forms(question: Question) -> Iterator[str]:
    """A right answer in the forms that are accepted."""
    right, digits = question.right, question.digits
    for more in (digits, digits + 1, 8):
        plain, science = f"{right:.{more}g}", f"{right:.{more - 1}e}"
        mantissa, _, power = science.partition("e")
        yield typed(right, more)
        yield science
        yield f"{mantissa}×10^{int(power)}".replace("-", "−")
        yield f"{mantissa} * 10**({int(power)})"
        yield plain.replace("0.", ".", 1) if plain.lstrip("-").startswith("0.") else plain
        yield f"({science})*2/2"
    blocked = any(not np.all(np.isfinite(question.step.trace.value(ref))) for ref in question.step.operands[:8])
    if len(question.step.operands) <= 8 and not blocked:  # 0 times −∞ is no 0
        yield "+".join([*(f"0*{ref.id}" for ref in question.step.operands), f"({right!r})"])


class Tally:
    """Counts over all questions."""

    def __init__(self):
        self.asked = self.telling = self.right = self.refused = self.random = self.named = 0
        self.again = self.drawn = self.taken = self.rounded = 0
        self.planted, self.among, self.first = Counter(), Counter(), Counter()
        self.instead: dict[str, Counter[str]] = defaultdict(Counter)
        self.values: list[int] = []
        self.blamed: Counter[str] = Counter()
        self.times: list[float] = []
        self.missed: list[str] = []

    def ask(self, question: Question, rng: random.Random) -> None:
        if not np.isfinite(question.right):
            return
        self.asked += 1
        for text in forms(question):
            verdict = grade(question, text)
            self.right += 1
            if not verdict.correct:
                self.refused += 1
                self.missed.append(f"{question.step.id} = {question.right!r}: {text} -> {verdict.kind}")
        if not question.discriminating:
            return
        self.telling += 1
        self.values.append(len({f"{slip.value:.3g}" for slip in question.slips}))
        for slip in learners(question):
            verdict, more = grade(question, typed(slip.value, question.digits)), 0
            while verdict.kind == "imprecise" and more < 5:
                more += 1
                verdict = grade(question, typed(slip.value, question.digits + more))
            says = MISCONCEPTIONS[slip.misconception]
            if verdict.correct and (says.rare or says.partial):
                continue  # a question may be asked although such a mistake gives the right digits
            self.again += more > 0
            self.taken += verdict.kind == "rounded"
            names = [named.misconception for named in verdict.slips]
            found, first = slip.misconception in names, names[:1] == [slip.misconception]
            self.planted[slip.misconception] += 1
            self.among[slip.misconception] += found
            self.first[slip.misconception] += first
            if found and not first:
                self.instead[slip.misconception][names[0]] += 1
            if not found:
                self.missed.append(f"{question.step.id}: {slip.misconception} {slip.value!r} -> {verdict.kind}")
        for _ in range(10):
            value = rng.choice((-1, 1)) * abs(question.right) * 10 ** rng.uniform(-1, 1)
            start = time.process_time()
            verdict = grade(question, typed(value, 3))
            self.times.append(time.process_time() - start)
            self.drawn += 1
            self.rounded += verdict.kind == "rounded"
            if not verdict.correct and not verdict.free:
                self.random += 1
                self.named += verdict.kind == "misconception"
                self.blamed.update(f"{slip.misconception} {slip.distance}" for slip in verdict.slips[:1])

    def report(self, title: str, brief: bool) -> None:
        planted, among, first = (sum(c.values()) for c in (self.planted, self.among, self.first))
        print(f"\n{title}: {self.asked} questions, {share(self.telling, self.asked)} of them discriminating")
        print(f"  planted slips        {planted}")
        print(f"  among those named    {share(among, planted)}   (target: at least 99 %)")
        print(f"  named first          {share(first, planted)}   (target: at least 90 %)")
        print(f"  asked for one more digit  {share(self.again, planted)}")
        print(f"  taken for rounding  {share(self.taken, planted)}")
        print(f"  right answers called wrong      {self.refused} of {self.right}   (target: 0)")
        named = share(self.named, self.random)
        print(f"  random wrong answers named      {named} of {self.random}   (target: at most 1 %)")
        print(f"  random answers taken for rounding  {share(self.rounded, self.drawn)} of {self.drawn}")
        print(f"  different wrong values a question: {statistics.mean(self.values):.1f}, at most {max(self.values)}")
        for line in self.missed[:5]:
            print(f"  missed: {line}")
        if brief:
            return
        print(f"\n  {'misconception':32} {'planted':>8} {'among':>8} {'first':>8}  first instead")
        for id in MISCONCEPTIONS:
            n = self.planted[id]
            instead = ", ".join(f"{other} {count}" for other, count in self.instead[id].most_common(2))
            print(f"  {id:32} {n:8} {share(self.among[id], n):>8} {share(self.first[id], n):>8}  {instead}")
        print("  random answers named: " + ", ".join(f"{id} {n}" for id, n in self.blamed.most_common(12)))


class World:
    """Counts of mistakes found in the world: of each, in the step where it is made and in those that rest on it."""

    def __init__(self):
        self.planted, self.named = Counter(), Counter()
        self.sources: dict[str, str] = {}
        self.missed: list[str] = []

    def ask(self, lesson: Lesson, rng: random.Random) -> None:
        for mistake, right, wrong in seen.planted(lesson):
            at = trace(lesson)
            writer = Writer(lesson, rng.choice(list(NOTATIONS)))
            for id, values in wrong.items():
                for index in np.ndindex(values.shape):
                    step = at.find(id).at(index)
                    assert np.isclose(float(step.value), right[id][index], rtol=1e-9, atol=1e-12), step.id
                    rests = [ref.symbol.id for ref in step.operands if ref.symbol.id in wrong]
                    here = all(np.allclose(wrong[id], right[id], rtol=1e-9) for id in rests)
                    self._count(Question(step, writer), float(values[index]), mistake.__name__, mistake, here)

    def ask_circuit(self, lesson: Lesson) -> None:
        at, right = trace(lesson), seen.circuit_gradients(lesson)
        output = lesson.circuit.output
        for name, mistake in seen.GATE_MISTAKES.items():
            wrong = seen.circuit_gradients(lesson, name)
            for wrt, value in wrong.items():
                if f"d{output}/d{wrt}" not in at.program.by_key:
                    continue
                step = at.find(f"d{output}/d{wrt}").at(())
                assert np.isclose(float(step.value), right[wrt], rtol=1e-9, atol=1e-12), step.id
                rests = [ref.symbol.wrt.id for ref in step.operands if ref.symbol.wrt]
                here = all(wrong.get(of) == right.get(of) for of in rests)
                self._count(Question(step, Writer(lesson, "dz")), value, name, mistake, here)

    def ask_arrays(self, rng: random.Random) -> None:
        for lesson, mistake, values in seen_arrays.planted(rng):
            step = trace(lesson).find(mistake.step)
            for index in np.ndindex(values.shape):
                question = Question(step.at(index), Writer(lesson, "dz"))
                if np.isfinite(question.right):
                    self._count(question, float(values[index]), mistake.name, mistake, True)

    def _count(
        self, question: Question, value: float, name: str, mistake: seen.Mistake | seen_arrays.Mistake, here: bool
    ) -> None:
        if not np.isfinite(value) or abs(value - question.right) <= 0.02 * abs(question.right):
            return
        self.sources[name] = mistake.source
        verdict, digits = grade(question, typed(value, question.digits)), question.digits
        while verdict.kind == "imprecise" and digits < 8:
            digits += 1
            verdict = grade(question, typed(value, digits))
        named = {slip.misconception for slip in verdict.slips} & mistake.expected
        self.planted[name, here] += 1
        self.named[name, here] += bool(named)
        if here and not named:
            self.missed.append(f"{question.step.id}: {name} {value!r} -> {verdict.kind} {verdict.message[:60]}")

    def report(self, brief: bool) -> None:
        print("\nMistakes found in the world, planted apart from the tutor's table:")
        for here, where in ((True, "in the step where they are made"), (False, "in steps that rest on a wrong one")):
            planted = sum(n for (_, at), n in self.planted.items() if at == here)
            named = sum(n for (_, at), n in self.named.items() if at == here)
            print(f"  {where}: {share(named, planted)} of {planted} named rightly")
        for line in self.missed[:5]:
            print(f"  missed: {line}")
        for name, source in self.sources.items() if not brief else ():
            both = [share(self.named[name, here], self.planted[name, here]) for here in (True, False)]
            print(f"  {name:20} {self.planted[name, True]:6} {both[0]:>8} {both[1]:>8}  {source}")


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def wide() -> Lesson:
    """16-16-16: the matrices of the timing."""
    rng = np.random.default_rng(3)
    weights = rng.normal(0, 0.4, (2, 16, 16)).round(2)
    layers = [Layer(16, "sigmoid", weights=W, biases=np.zeros(16)) for W in weights]
    data = rng.normal(0, 1, (1, 16)).round(2), rng.uniform(0.1, 0.9, (1, 16)).round(2)
    network = Network(16, "half_squared_error", tuple(layers))
    return Lesson("w", "w", network=network, inputs=data[0], targets=data[1], training=Training(0.1, "adam"))


def timing() -> None:
    """One answer from nothing, and the 256 of a matrix, all wrong: the slowest way through."""
    one, matrix = [], []
    for id in ("dL/dW1", "dL/dW2", "W1'", "W2.v'"):
        for _ in range(3):
            at = trace(wide())
            writer, whole = Writer(at.lesson, "dz"), at.find(id)
            start = time.process_time()
            grade(Question(whole.at((3, 4)), writer), "0.777")
            one.append(time.process_time() - start)
            at = trace(wide())
            whole, rng = at.find(id), random.Random(1)
            answers = {index: f"{rng.uniform(-1, 1):.3g}" for index in np.ndindex(16, 16)}
            start = time.process_time()
            for index, text in answers.items():
                grade(Question(whole.at(index), writer), text)
            matrix.append(time.process_time() - start)
    print(f"\nGrading, 16-16-16: one answer at most {max(one) * 1e3:.1f} ms (target: 20),", end=" ")
    print(f"a 16×16 matrix at most {max(matrix) * 1e3:.1f} ms (target: 100)")


def found_in_the_world(networks: int, rng: random.Random) -> World:
    """The mistakes of `seen.py` in the bundled lessons and in so many random networks and circuits."""
    world = World()
    for path in sorted(BUNDLED.glob("*.toml")):
        world.ask(load(path), rng)
    for _ in range(networks):
        world.ask(random_network(rng), rng)
        world.ask_circuit(random_circuit(rng))
        world.ask_arrays(rng)
    return world


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--brief", action="store_true", help="without the table by misconception")
    parser.add_argument("--world", action="store_true", help="only the mistakes found in the world")
    args = parser.parse_args()
    if args.networks or args.world:
        found_in_the_world(args.networks, random.Random(args.seed)).report(args.brief)
    if args.world:
        return
    rng = random.Random(args.seed)
    bundled, drawn = Tally(), Tally()
    for path in sorted(BUNDLED.glob("*.toml")):
        for question in questions(load(path), 1, rng):
            bundled.ask(question, rng)
    bundled.report("Bundled lessons", args.brief)
    for _ in range(args.networks):
        for question in questions(random_network(rng), rng.choice((1, 2, 3)), rng):
            drawn.ask(question, rng)
    if args.networks:
        drawn.report(f"{args.networks} random networks", args.brief)
        circuits = Tally()
        for _ in range(args.networks):
            for question in questions(random_circuit(rng), 1, rng):
                circuits.ask(question, rng)
        circuits.report(f"{args.networks} random circuits", args.brief)
        arrays = Tally()
        for _ in range(args.networks // 10):  # each has as many questions as ten networks
            for layer in seen_arrays.LINES:
                for question in questions(seen_arrays.draw(layer, rng)[0], 1, rng):
                    arrays.ask(question, rng)
        arrays.report(f"{args.networks // 10} lessons about arrays of each kind", args.brief)
    timing()


if __name__ == "__main__":
    main()
