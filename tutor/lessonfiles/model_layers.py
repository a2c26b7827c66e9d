"""The dense layers in a file of weights: which arrays belong together, in which order, and how the matrices lie.

Arrays are told apart by their names (`fc1.weight`, `layers.0.bias`, `dense/kernel:0`, `W1`, `coefs_0`) and, where no
name says weight or bias, by their shapes. Whether a matrix is out × in (PyTorch) or in × out (Keras, x·W) follows from
how the sizes chain; where both do it is for a person to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from tutor.text.language import N_, say
from tutor.text.output import quote
from tutor.text.words import plural

_LONG = r"(?<![A-Za-z])(weights?|kernels?|coefs?|bias(?:es)?|intercepts?)(?![A-Za-z])"
_SHORT = r"(?<![A-Za-z])([WwBb])(?![A-Za-z])"
_BIASES = ("bias", "intercept", "b")
# What chains by its shapes and is no chain of dense layers.
_OTHERS = {
    r"recurrent|_[ih]h(?:_|\b)|lstm|gru\b|\brnn": N_("{array} is a recurrent layer, no dense layer"),
    r"embedding|\bwte\b|\bwpe\b": N_("{array} is an embedding, no dense layer"),
    r"attn|attention|in_proj|\b[qkv]_proj|(?:query|key|value)\b": N_("{array} is a part of attention, no dense layer"),
    r"(?:^|[._])grads?(?:$|[._\[])|\bd[wb]_?[0-9]": N_("{array} is a gradient, no dense layer"),
    r"running_(?:mean|var)|moving_(?:mean|variance)": N_("{array} is what a batch norm remembers, no dense layer"),
}
MOST_TRIED = 7  # layers whose orders are all tried


class NoChain(ValueError):
    """Why a file is no chain of dense layers; str() says what is in the way."""


class OtherOrder(NoChain):
    """The layers fit together in another order than that of the file: somebody has to say which."""


class Open(NoChain):
    """Both ways to read the matrices fit: somebody has to say which."""


@dataclass(frozen=True)
class Dense:
    """A dense layer by the names of its arrays; `biases` is None where it has none."""

    name: str
    weights: str
    biases: str | None


@dataclass(frozen=True)
class DenseLayers:
    """Dense layers in their order. `sizes` are the inputs, then each layer's units; `said` is how they were found."""

    layers: tuple[Dense, ...]
    sizes: tuple[int, ...]
    in_by_out: bool
    said: tuple[str, ...]

    def matrices(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The weights (units, units before) of each layer."""
        found = [_matrix(arrays[layer.weights], self.in_by_out) for layer in self.layers]
        return [matrix.T if self.in_by_out else matrix for matrix in found]


def find(
    arrays: Mapping[str, np.ndarray],
    in_by_out: bool | None = None,
    inputs: int | None = None,
    order: Sequence[str] = (),
) -> DenseLayers:
    """The chain of dense layers that these arrays are, in the order of their file.

    `in_by_out` says how the matrices lie, `inputs` how many there are, `order` the layers by their names, where that is
    known. Raises NoChain, and Open where the matrices may lie either way.
    """
    dense, aside = _dense(arrays)
    ordered = _named(dense, order) if order else _ordered(dense)
    found = {}
    for turned in (False, True) if in_by_out is None else (in_by_out,):
        sizes = _sizes(ordered, arrays, turned)
        if sizes and inputs in (None, sizes[0]):
            found[turned] = sizes
    if not found:
        raise _broken(ordered, arrays, in_by_out, inputs)
    if len(found) > 1:
        shapes = ", ".join(f"{quote(layer.weights)} {_shape(arrays[layer.weights])}" for layer in ordered)
        message = say("the shapes do not say whether the matrices are out × in or in × out: {shapes}", shapes=shapes)
        raise Open(message)
    ((turned, sizes),) = found.items()
    said = [
        say(
            "The matrices are in × out: a row a unit that feeds the layer."
            if turned
            else "The matrices are out × in: a row a unit of the layer."
        )
    ]
    if not order and len(ordered) > 1 and not _numbered(ordered):
        said.append(say("The order of the layers is that of the file: {names}.", names=_names(ordered)))
    if bare := [layer for layer in ordered if layer.biases is None]:
        said.append(say("Without biases: {names}.", names=_names(bare)))
    if aside:
        said.append(say("Left aside: {names}.", names=", ".join(map(quote, aside[:8])) + " …" * (len(aside) > 8)))
    return DenseLayers(tuple(ordered), sizes, turned, tuple(said))


def _named(dense: Sequence[Dense], order: Sequence[str]) -> list[Dense]:
    """The layers in an order that somebody gave."""
    by_name = {name: layer for layer in dense for name in (layer.weights, layer.name)}
    for name in order:
        if name not in by_name:
            layer, names = quote(name[:60]), _names(dense)
            raise NoChain(say("there is no layer {name}; there are: {names}", name=layer, names=names))
    found = [by_name[name] for name in order]
    if len(set(order)) < len(order):
        raise NoChain(say("a layer is named twice in the order of the layers"))
    return found


def _numbered(order: Sequence[Dense]) -> bool:
    """Whether names are alike but for their numbers, which then say the order."""
    return len({re.sub(r"[0-9]+", "#", layer.name) for layer in order}) == 1


def _dense(arrays: Mapping[str, np.ndarray]) -> tuple[list[Dense], list[str]]:
    """The layers that the names tell (else the shapes), in the order of the file, and the arrays that are left."""
    weights: dict[str, str] = {}
    biases: dict[str, str] = {}
    aside = []
    for name, values in arrays.items():
        for pattern, message in _OTHERS.items():
            if re.search(pattern, name, re.IGNORECASE):
                raise NoChain(f"{say(message, array=quote(name))}; {_circuits()}")
        part = _part(name)
        if part is None:
            aside.append(name)
            continue
        what, layer = part
        kept = biases if what.lower().startswith(_BIASES) else weights
        if layer in kept:
            raise NoChain(
                say(
                    "{one} and {other} are both the biases of one layer: give each layer a name of its own"
                    if kept is biases
                    else "{one} and {other} are both the weights of one layer: give each layer a name of its own",
                    one=quote(kept[layer]), other=quote(name),
                )
            )  # fmt: skip
        if values.ndim > 2:
            words = {"array": quote(name), "shape": _shape(values)}
            message = say("{array} is {shape}: a convolution or the like, no dense layer", **words)
            raise NoChain(f"{message}; {_circuits()}")
        kept[layer] = name
    if not weights and not biases:
        return _by_shape(arrays)
    if lone := [name for layer, name in biases.items() if layer not in weights]:
        array = quote(lone[0])
        raise NoChain(say("{array} has no weights beside it: a layer is missing, or it is a norm's", array=array))
    return [Dense(layer, name, biases.get(layer)) for layer, name in weights.items()], aside


def _part(name: str) -> tuple[str, str] | None:
    """The word for weights or biases in a name, and what is left of it: the layer. None where it has no such word."""
    plain = re.sub(r":0$", "", name)
    for pattern in (_LONG, _SHORT):
        if words := list(re.finditer(pattern, plain)):
            word = words[-1]
            before, after = plain[: word.start()].strip("._/-[]'\" "), plain[word.end() :].strip("._/-[]'\" ")
            return word[1], ".".join(filter(None, (before, after)))
    return None


def _by_shape(arrays: Mapping[str, np.ndarray]) -> tuple[list[Dense], list[str]]:
    """Each matrix with the vector behind it: what `np.savez(file, W1, b1, W2, b2)` writes."""
    layers: list[Dense] = []
    for name, values in arrays.items():
        if values.ndim == 2:
            layers.append(Dense(name, name, None))
        elif values.ndim == 1 and layers and layers[-1].biases is None:
            layers[-1] = Dense(layers[-1].name, layers[-1].weights, name)
        else:
            raise NoChain(
                say(
                    "{array} is {shape}, and its name does not say weight or bias: call them W1, b1, W2 …",
                    array=quote(name), shape=_shape(values),
                )
            )  # fmt: skip
    if not layers:
        raise NoChain(say("there is no matrix of weights in it"))
    return layers, []


def _ordered(dense: Sequence[Dense]) -> list[Dense]:
    """By the numbers in their names; layers with unlike names in the order of the file."""
    kinds = list(dict.fromkeys(re.sub(r"[0-9]+", "#", layer.name) for layer in dense))
    return sorted(
        dense,
        key=lambda layer: (
            kinds.index(re.sub(r"[0-9]+", "#", layer.name)), [int(part) for part in re.findall("[0-9]+", layer.name)]
        ),
    )  # fmt: skip


def _matrix(values: np.ndarray, turned: bool) -> np.ndarray:
    """A matrix; the weights of a single unit may be a vector."""
    return values if values.ndim == 2 else values.reshape((-1, 1) if turned else (1, -1))


def _sizes(order: Sequence[Dense], arrays: Mapping[str, np.ndarray], turned: bool) -> tuple[int, ...] | None:
    """The inputs, then each layer's units, where the layers fit together in this order; None where they do not."""
    sizes: list[int] = []
    for layer in order:
        rows, columns = _matrix(arrays[layer.weights], turned).shape
        feeds, units = (rows, columns) if turned else (columns, rows)
        if sizes and sizes[-1] != feeds:
            return None
        if layer.biases is not None and arrays[layer.biases].size != units:
            return None
        sizes += [units] if sizes else [feeds, units]
    return tuple(sizes)


def _broken(
    order: Sequence[Dense], arrays: Mapping[str, np.ndarray], in_by_out: bool | None, inputs: int | None
) -> NoChain:
    """What is in the way of a chain."""
    there = "; ".join(
        f"{quote(layer.weights)} {_shape(arrays[layer.weights])}"
        + (f", {quote(layer.biases)} {_shape(arrays[layer.biases])}" if layer.biases else "")
        for layer in order[:8]
    ) + ("; …" if len(order) > 8 else "")
    if any(_sizes(order, arrays, turned) for turned in (False, True)):
        if inputs is not None:
            n = plural(inputs, "input")
            words = {"inputs": n, "arrays": there}
            return NoChain(say("the data have {inputs}, and the layers do not begin with so many: {arrays}", **words))
        return NoChain(
            say(
                "the layers do not fit together as in × out, the other way they do: {arrays}"
                if in_by_out
                else "the layers do not fit together as out × in, the other way they do: {arrays}",
                arrays=there,
            )
        )
    others = list(permutations(order)) if 1 < len(order) <= MOST_TRIED and not _numbered(order) else []
    fits = next((other for turned in (False, True) for other in others if _sizes(other, arrays, turned)), None)
    if fits:
        words = {"arrays": there, "order": ",".join(layer.name for layer in fits)}
        return OtherOrder(
            say(
                "the layers do not fit together in the order of the file: {arrays}; they do in the order {order}"
                if in_by_out is None
                else "the layers do not fit together in the order of the file as in × out: {arrays}; "
                "they do in the order {order}"
                if in_by_out
                else "the layers do not fit together in the order of the file as out × in: {arrays}; "
                "they do in the order {order}",
                **words,
            )
        )
    message = say(
        "the layers do not fit together: {arrays}"
        if in_by_out is None
        else "the layers do not fit together as in × out: {arrays}"
        if in_by_out
        else "the layers do not fit together as out × in: {arrays}",
        arrays=there,
    )
    return NoChain(f"{message}; {_circuits()}")


def _circuits() -> str:
    return say("layers of other kinds are lines of a [circuit]: backprop-tutor new FILE --arrays")


def _names(layers: Sequence[Dense]) -> str:
    return ", ".join(quote(layer.name or layer.weights) for layer in layers)


def _shape(values: np.ndarray) -> str:
    return " × ".join(map(str, values.shape)) or say("a single number")
