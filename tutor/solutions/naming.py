"""What an array is called in a file, and which value of the lesson it is: ids, notations, and what code calls it.

A name is compared by its letters and digits alone (`W1.grad`, `W1_grad` and `grads["W1"]` differ in nothing else that
matters). Modules of a framework (`layers.0.weight`, `fc1.bias.grad`) stand for the layers in their order. What fits two
values is decided by the numbers where one of them is right, and asked about otherwise, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.floats import quietly
from tutor.engine.ids import read_id
from tutor.engine.model import MEAN
from tutor.engine.trace import Trace
from tutor.lessonfiles.array_files import DOUBLE
from tutor.questions.question import DIGITS
from tutor.questions.rounding import half_unit
from tutor.solutions.files import Handed
from tutor.text.language import N_, say
from tutor.text.layout import to_ascii
from tutor.text.notations import NOTATIONS
from tutor.text.output import quote
from tutor.text.words import did_you_mean
from tutor.text.writer import Writer

EACH = "@e"  # behind an id: of each example its own, where the batch has a value of the same id
_LOSSES = ("L", "J", "E", "C", "loss", "cost", "Loss")
_MODULE = re.compile(
    r"(?P<grads>(?:grads?|gradients?)[._\[\]'\"]+)?(?P<path>.*?)[._]?"
    r"(?P<what>(?:weight|bias)(?:_[ih]h)?(?:_l[0-9]+)?|kernel|W|b)(?P<grad>[._]grad)?",
)
_SMALL = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789" * 2)
Modules = Mapping[str, Sequence[int]]  # the modules of a framework, and which layers (from 1) each may be
# What a parameter's bare name may stand for in a file: the quantities of the symbols.
MEANINGS = {"given": ("weights", "biases", "circuit_input"), "new": ("updated",), "gradients": ("gradient",)}
_KINDS = frozenset("wb")  # what any module has
_OWN_WORDS = re.compile(r"[Ww]eight|[Bb]ias|kernel")


@dataclass(frozen=True)
class Fit:
    """An array in the shape of the lesson's; `how` says how its numbers lay (a message), "" if so.

    `share`: it was a gradient of the batch's mean loss, which is the example's own divided by that.
    """

    array: Handed
    how: str = ""
    share: float = 1.0

    @property
    def note(self) -> str:
        """What to say of how it was read, in sentences."""
        said = [say(self.how)] if self.how else []
        if self.share != 1:
            said.append(say("Of the mean loss: each is 1/{n} of the example's own.", n=f"{self.share:.0f}"))
        return " ".join(said)


@dataclass(frozen=True)
class Match:
    """An array and the value that it is: `symbol`, and the ways in which its numbers may lie.

    `problem` is "unknown" or "shape" where there is none, `message` what to say of it. `open` says that it has a
    parameter's bare name, and may be the parameter, its gradient or its new value (it is told as the parameter, if so).
    """

    handed: Handed
    symbol: Symbol | None = None
    fits: tuple[Fit, ...] = ()
    problem: str = ""
    message: str = ""
    open: bool = False


class Naming:
    """The names of one trace's values."""

    def __init__(self, trace: Trace, example: int | None = None):
        self.trace, self.example = trace, example
        self._right_fits: dict[int, tuple[Match, list[Fit]]] = {}  # asked for again and again, of large arrays
        self.symbols = {
            symbol.key: symbol for symbol in trace.program.symbols.values() if symbol.quantity not in ("hyper", "local")
        }

    @cached_property
    def by_name(self) -> dict[str, set[str]]:
        """Bare names -> the keys of the values that they may be.

        What code calls a value (W3_new, by its id) is plain, whatever a notation that counts layers otherwise calls so.
        """
        found: dict[str, set[str]] = {}
        in_code: dict[str, set[str]] = {}
        writers = [Writer(self.trace.lesson, notation) for notation in NOTATIONS]
        for key, symbol in self.symbols.items():
            if symbol.per_example and symbol.id in self.symbols:
                continue  # of an example's own gradient and the batch's the bare name is the batch's
            for name in self._in_code(symbol):
                in_code.setdefault(bare(name), set()).add(key)
            names = {symbol.id}
            for writer in writers:
                shown = writer.text(Ref(symbol))
                names |= {shown, to_ascii(shown)}
            for name in names:
                found.setdefault(bare(name), set()).add(key)
        ids = {bare(symbol.id): {key} for key, symbol in self.symbols.items() if symbol.key == symbol.id}
        return found | in_code | ids

    def _in_code(self, symbol: Symbol) -> Iterator[str]:
        if symbol.quantity == "gradient" and symbol.wrt is not None and symbol.of is not None:
            # dWh is the whole gradient; the part of one use is dWh@h3, dWh_h3
            for name in {symbol.wrt.id + symbol.use, *(() if symbol.use else self._words(symbol.wrt))}:
                yield from (
                    f"d{name}",
                    f"grad{name}",
                    f"{name}grad",
                    f"grads{name}",
                    f"gradients{name}",
                    f"g{name}",
                    f"gradof{name}",
                )
                yield from (f"d{loss}d{name}" for loss in _LOSSES)
            if symbol.wrt.quantity == "pre_activation":
                yield from (f"delta{symbol.wrt.layer}", f"error{symbol.wrt.layer}")
        elif symbol.quantity == "updated" and symbol.wrt is not None:
            for word in ("new", "updated", "next", "after"):
                yield from (f"{symbol.wrt.id}{word}", f"{word}{symbol.wrt.id}")
        else:
            yield from self._words(symbol)

    def _words(self, symbol: Symbol) -> Iterator[str]:
        """What code calls a value, beside its id."""
        last = self.trace.program.model.layers[-1] if self.trace.program.model.layers else None
        if last and symbol == last.activation:
            yield from ("yhat", "yh", "ypred", "pred", "preds", "out", "output", "probs", "prediction")
        elif last and symbol == last.pre_activation:
            yield from ("logits", "scores")
        elif symbol.quantity == "loss" or symbol == self.trace.program.model.output:
            yield from ("loss", "cost", "error")
        elif symbol.quantity in ("weights", "biases"):
            yield {"weights": "weight", "biases": "bias"}[symbol.quantity] + str(symbol.layer)

    # ------------------------------------------------------------ matching

    def match(
        self, handed: Iterable[Handed], said: Mapping[str, str] | None = None, meaning: str = ""
    ) -> list[Match]:
        """What each array is. `said` maps names of the file to ids, for those that cannot be told.

        `meaning`, one of `MEANINGS`, is what bare names of parameters stand for; else their numbers say it.
        """
        arrays = list(handed)
        said = said or {}
        shift = self._counted_from_0([array.name for array in arrays if array.name not in said])
        modules = self._modules([array.name for array in arrays if array.name not in said])
        meant = meaning or self._meant([array for array in arrays if array.name not in said], shift, modules)
        return [self._match(array, said.get(array.name, ""), shift, modules, meant) for array in arrays]

    def _match(self, array: Handed, said: str, shift: bool, modules: Modules, meant: str = "") -> Match:
        keys = self._of_id(said) if said else self._keys(array.name, shift, modules)
        own = [] if said else self._own_gradient(keys)
        if own and meant == "gradients":
            keys = own
        elif meant and not said and _is_bare(array.name, modules):
            keys = [key for key in keys if self.symbols[key].quantity in MEANINGS[meant]]
        if not keys:
            named = said or array.name
            near = did_you_mean(named[:64], [symbol.id for symbol in self.symbols.values()])
            message = say("no value of this lesson is called {name}", name=quote(named[:64]))
            return Match(array, problem="unknown", message=f"{message}{near}")
        found = [(self.symbols[key], self.fits(array, self.symbols[key])) for key in keys]
        fitting = [(symbol, fits) for symbol, fits in found if fits]
        if not fitting:
            symbol = found[0][0]
            if len({symbol.wrt or symbol for symbol, _ in found}) > 1:
                message = say("it may be any of several values, and has the shape of none: say which with --names")
                return Match(array, problem="unknown", message=message)
            want = " × ".join(map(str, self.wanted(symbol))) or say("a single number")
            have = " × ".join(map(str, array.values.shape)) or say("a single number")
            told = (
                N_(
                    "the lesson's {id} is {want}, this is {have}: what was broadcast collects from every place, and "
                    "added up over those this is right"
                )
                if self._not_added_up(array, symbol)
                else N_("the lesson's {id} is {want}, this is {have}")
            )
            return Match(array, symbol, problem="shape", message=say(told, id=symbol.id, want=want, have=have))
        if len(fitting) > 1:
            right = [(symbol, fits) for symbol, fits in fitting if self._right(symbol, fits)]
            if len(right) != 1:
                both = say(" or ").join(symbol.id for symbol, _ in fitting)
                message = say("it may be {names}: rename it, or say which with --names", names=both)
                open = not said and _is_bare(array.name, modules)
                return Match(array, problem="unknown", message=message, open=open)
            fitting = right
        symbol, fits = fitting[0]
        return Match(array, symbol, tuple(fits), open=bool(own) and not meant and not self._right(symbol, fits))

    def _of_id(self, id: str) -> list[str]:
        """The key of an id; z1@e is that of every example's own."""
        named = read_id(id.removesuffix(EACH))
        if named is None:
            return []
        keys = [named.base, Symbol(named.base, per_example=True).key]
        if named.example is not None or id.endswith(EACH):
            keys.reverse()
        return [key for key in keys if key in self.symbols][:1]

    def _keys(self, name: str, shift: bool, modules: Modules) -> list[str]:
        plain = shifted(name) if shift else name
        if keys := self._of_id(plain):
            return keys
        table = self.by_name
        for form in (bare(plain), bare(plain).lower()):
            if form in table:
                return sorted(table[form])
            folded = {key for known, keys in table.items() if known.lower() == form for key in keys}
            if folded:
                return sorted(folded)
        return self._of_module(name, modules)

    def _counted_from_0(self, names: list[str]) -> bool:
        """Whether code counts layers from 0: W0 is there, and the last layer's number is not."""
        depth = len(self.trace.program.model.layers)
        numbers = [int(m[1]) for name in names if (m := re.search(r"(?<![A-Za-z])d?[WwbBzZ]_?([0-9]+)(?![0-9])", name))]
        return bool(numbers) and depth > 0 and min(numbers) == 0 and max(numbers) == depth - 1

    # ------------------------------------------------------------ modules of a framework

    def _modules(self, names: list[str]) -> Modules:
        """The modules that have weights, and which layer each may be (from 1): in their order, where there are as many.

        Where there are more or fewer, each may be any: shapes and numbers tell, or it is asked.
        """
        paths = dict.fromkeys(
            m["path"] for name in names if (m := _MODULE.fullmatch(name)) and _OWN_WORDS.search(m["what"])
        )
        layers = len(self.trace.program.model.layers)
        if len(paths) != layers:
            return dict.fromkeys(paths, range(1, layers + 1))
        ordered = sorted(paths, key=lambda path: [int(part) if part.isdigit() else part for part in _parts(path)])
        in_file = list(paths)
        return {path: (at,) for at, path in enumerate(in_file if _mixed(in_file) else ordered, start=1)}

    def _meant(self, arrays: list[Handed], shift: bool, modules: Modules) -> str:
        """What bare names of parameters stand for in this file, "" where that is open.

        fc1.weight may be the weights, the new ones, or (in a file of gradients) theirs; W1 the weights or theirs. All
        in a file are the same: whichever of the three some of them are by their numbers, if it is one alone.
        """
        found = set()
        for array in arrays:
            keys = self._keys(array.name, shift, modules)
            own = self._own_gradient(keys)
            bare = _is_bare(array.name, modules) or own
            symbols = [self.symbols[key] for key in ([*keys, *own] if bare else [])]
            right = {s.quantity for s in symbols if self._right(s, self.fits(array, s))}
            found |= {kind for kind, quantities in MEANINGS.items() if right & set(quantities)}
        return found.pop() if len(found) == 1 else ""

    def _own_gradient(self, keys: Sequence[str]) -> list[str]:
        """The gradient that somebody may have kept under the parameter's own name, of the keys of W1; else none."""
        symbol = self.symbols[keys[0]] if len(keys) == 1 else None
        if symbol is None or symbol.quantity not in MEANINGS["given"]:
            return []
        return self._about(symbol, "gradient")

    def _about(self, parameter: Symbol, quantity: str) -> list[str]:
        """The key of the gradient, or of the new value, of a parameter; none where there is none."""
        of = (key for key, symbol in self.symbols.items() if symbol.wrt == parameter and symbol.quantity == quantity)
        return [key for key in of if not self.symbols[key].per_example and not self.symbols[key].use][:1]

    def _of_module(self, name: str, modules: Modules) -> list[str]:
        m = _MODULE.fullmatch(name)
        if not m or m["path"] not in modules:
            return []
        layers = [self.trace.program.model.layers[at - 1] for at in modules[m["path"]]]
        of_layers = [layer.biases if m["what"].startswith("b") else layer.weights for layer in layers]
        found: list[str] = []
        for parameter in filter(None, of_layers) if layers else self._like(f"{m['path']}.{m['what']}"):
            of_gradient = m["grad"] or m["grads"]  # a bare parameter's name may be any of the three
            found += [] if of_gradient else [parameter.key, *self._about(parameter, "updated")]
            found += self._about(parameter, "gradient")
        return list(dict.fromkeys(found))

    def _like(self, name: str) -> list[Symbol]:
        """The inputs of an author's equations whose names are most like a module's; any where none is like it."""
        inputs = [symbol for symbol in self.symbols.values() if symbol.quantity == "circuit_input"]
        mine = _tokens(name)
        named = [(symbol, _tokens(symbol.id)) for symbol in inputs]
        alike = [(len(mine & its) / len(mine | its), symbol) for symbol, its in named if mine & its - _KINDS]
        most = max((share for share, _ in alike), default=0.0)
        return [symbol for share, symbol in alike if share == most] or inputs

    # ------------------------------------------------------------ shapes

    def wanted(self, symbol: Symbol) -> tuple[int, ...]:
        """The shape of a value: with an axis of examples in front, if each has its own and none is chosen."""
        many = symbol.per_example and self.example is None
        return ((self.trace.examples,) if many else ()) + symbol.shape

    def fits(self, array: Handed, symbol: Symbol) -> list[Fit]:
        """The ways in which numbers may lie, the likelier first.

        As they are, or with rows for columns (in × out, examples as columns); and in a batch whose loss is a mean,
        an example's gradient may be its own, or its share of the mean's.
        """
        want, shape = self.wanted(symbol), array.values.shape
        each = symbol.per_example and self.example is None
        turned = N_("Read with examples as columns.") if each else N_("Read with rows for columns.")
        ways: list[tuple[Callable[[np.ndarray], np.ndarray], str]] = []
        if shape == want:
            ways.append((np.asarray, ""))
        if len(want) == 2 and shape == want[::-1] and want != (1, 1):
            ways.append((np.transpose, turned))
        if not ways and _without_ones(shape) == _without_ones(want):
            ways.append((lambda part: part.reshape(want), ""))
        of_mean = symbol.per_example and symbol.quantity == "gradient" and self.trace.program.model.over_batch == MEAN
        shares = (1.0, float(self.trace.examples)) if of_mean and self.trace.examples > 1 else (1.0,)
        return [Fit(array.laid(change).times(share), how, share) for change, how in ways for share in shares]

    def _not_added_up(self, array: Handed, symbol: Symbol) -> bool:
        """Whether it is a gradient place by place of what was broadcast over further axes in front."""
        values, many = array.values, array.values.ndim - len(symbol.shape)
        if symbol.per_example or symbol.quantity != "gradient" or many < 1 or values.shape[many:] != symbol.shape:
            return False
        total, right = values.sum(axis=tuple(range(many))), self.value(symbol)
        return array.missing is None and within(total, right, tolerance(array, right))

    def is_right(self, match: Match) -> bool:
        """Whether an array is the lesson's own value."""
        return bool(self.right_fits(match))

    def right_fits(self, match: Match) -> list[Fit]:
        """The ways of lying in which an array is the lesson's own value."""
        if id(match) not in self._right_fits:
            self._right_fits[id(match)] = match, self._right(match.symbol, match.fits) if match.symbol else []
        return self._right_fits[id(match)][1]

    def _right(self, symbol: Symbol, fits: Sequence[Fit]) -> list[Fit]:
        right = self.value(symbol)
        return [fit for fit in fits if within(fit.array.over(right), right, tolerance(fit.array, right))]

    def value(self, symbol: Symbol) -> np.ndarray:
        """The right value, in the shape that is wanted."""
        whole = np.asarray(self.trace.value(Ref(symbol)), dtype=float)
        if symbol.per_example:
            whole = np.broadcast_to(whole, (self.trace.examples, *symbol.shape))
            return whole if self.example is None else whole[self.example]
        return whole


def within(values: np.ndarray, right: np.ndarray, allowed: np.ndarray) -> bool:
    """Whether every number is as near to the right one as is allowed; a blocked position's −∞ is itself."""
    with quietly():
        return bool(np.all((values == right) | (np.abs(values - right) <= allowed)))


def bare(name: str) -> str:
    """A name by its letters, digits and primes alone."""
    text = (
        name.translate(_SMALL)
        .replace("∂", "d")
        .replace("∇", "grad")
        .replace("δ", "delta")
        .replace("ŷ", "yhat")
        .replace("′", "'")
    )
    return re.sub(r"[^\w']|_", "", text)


def shifted(name: str) -> str:
    """A name whose layers count from 0 with layers that count from 1."""
    return re.sub(r"(?<![A-Za-z])(d?[WwbBzZaAhH]_?)([0-9]+)", lambda m: f"{m[1]}{int(m[2]) + 1}", name)


def tolerance(array: Handed, right: np.ndarray) -> np.ndarray:
    """How far from a number each number of an array may be for being written, or computed, no more finely.

    One that is judged cell by cell lies as `right` does; a cell is as fine as it is written, to three digits at least.
    """
    if array.scale != 1:
        return array.scale * tolerance(array.times(1 / array.scale), right / array.scale)
    size = np.where(np.isfinite(right), np.abs(right), 0.0)
    if array.missing is not None and array.halves is not None:
        few = half_unit(np.abs(np.where(np.isfinite(array.values), array.values, 0.0)), DIGITS)
        noise = 10.0**-DOUBLE * float(np.max(size, initial=1e-3))
        return np.maximum(np.where(array.halves > 0, array.halves, few), noise) * (1 + 1e-6)
    with quietly():
        unit = np.where(size > 0, 10.0 ** (np.floor(np.log10(np.where(size > 0, size, 1.0))) - array.digits + 1), 0.0)
    if array.decimals is not None:
        return np.maximum(unit, 10.0**-array.decimals) * 0.5 * (1 + 1e-6)
    largest = float(np.max(size[np.isfinite(size)], initial=0.0))  # a sum that cancels is as far off as its terms
    return np.maximum(unit, 10.0**-array.digits * largest)


def _is_bare(name: str, modules: Modules) -> bool:
    """Whether it is a module's parameter that does not say it is a gradient: fc1.weight."""
    m = _MODULE.fullmatch(name)
    return bool(m and m["path"] in modules and _OWN_WORDS.search(m["what"]) and not m["grad"] and not m["grads"])


def _tokens(name: str) -> frozenset[str]:
    """The parts of a name, for all that separates them: conv, 1 and w of conv1.weight, conv1_w and Wconv1."""
    plain = re.sub(r"weights?|kernel", "W", re.sub(r"_l[0-9]+$", "", name)).replace("bias", "b")
    apart = re.sub(r"(?<![A-Za-z])([Wb])(?=[A-Za-z])", r"\1 ", plain)
    return frozenset(part.lower() for part in re.findall(r"[A-Za-z]+|[0-9]+", apart))


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _parts(path: str) -> list[str]:
    return re.findall(r"[0-9]+|[^0-9]+", path)


def _mixed(paths: list[str]) -> bool:
    """Whether paths are not alike but for their numbers: then only the order of the file says which comes first."""
    return len({re.sub(r"[0-9]+", "#", path) for path in paths}) > 1
